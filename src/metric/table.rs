//! Every metric that there is. A new one is a file of its own with a `FAMILY`, and a line here.

use super::Family;

pub(super) const FAMILIES: &[&Family] = &[
    &super::log_loss::FAMILY,
    &super::accuracy::FAMILY,
    &super::balanced_accuracy::FAMILY,
    &super::error_at::FAMILY,
    &super::map_at::FAMILY,
    &super::gap::FAMILY,
    &super::kappa::FAMILY,
    &super::mcc::FAMILY,
    &super::auc::FAMILY,
    &super::pf1::FAMILY,
    &super::fbeta::FAMILY,
    &super::micro_f1::FAMILY,
    &super::macro_f1::FAMILY,
    &super::hamming_loss::FAMILY,
    &super::rmse::FAMILY,
    &super::mae::FAMILY,
    &super::mse::FAMILY,
    &super::rmsle::FAMILY,
    &super::r2::FAMILY,
    &super::mean_rmse::FAMILY,
];

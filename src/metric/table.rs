//! Every metric that there is. A new one is a file of its own with a `FAMILY`, and a line here.

use super::{Family, accuracy, fbeta, log_loss};

pub(super) const FAMILIES: &[&Family] = &[&log_loss::FAMILY, &accuracy::FAMILY, &fbeta::FAMILY];

//! Arguments of `decide`.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args, Command};

use crate::decide::calibrate::Kind;
use crate::decide::tags::{Method, Rows};
use crate::device::Choice;

const DECIDE_EXAMPLES: &str = "\
Examples:
  kaggle-kit decide                                   the newest run: a table, the best CSV
  kaggle-kit decide planet --rows possible            never two weathers in a row
  kaggle-kit decide 20261124-101500-3fa9 20261124-111500-77b0      a blend of both
  kaggle-kit decide planet --method threshold
Only what was predicted for held-out images decides; nothing is trained. Test images are looked at
once, if they have not been yet.";

/// Arguments of `decide`
#[derive(Args, Debug)]
#[command(after_help = DECIDE_EXAMPLES)]
pub struct Decide {
    /// Runs by folder or id, a fold for all folds of its model; or a competition, for its newest
    pub runs: Vec<String>,
    /// Use this method, whatever the others score
    #[arg(long, value_name = "METHOD", value_parser = method())]
    pub method: Option<Method>,
    /// How probabilities of tags are calibrated first
    #[arg(long, value_name = "KIND", default_value = "platt", value_parser = kind())]
    pub calibration: Kind,
    /// Which rows to answer: any (both weathers where one is in doubt), or possible ones only
    #[arg(long, value_name = "ROWS", default_value = "any", value_parser = rows())]
    pub rows: Rows,
    /// The test images' true labels, to see what each method would have scored
    #[arg(long, value_name = "CSV")]
    pub solution: Option<PathBuf>,
    /// Where to compute, if test images must be looked at: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t)]
    pub device: Choice,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn method() -> impl TypedValueParser<Value = Method> {
    Words::new(Method::ALL.map(Method::name), &Method::GONE).map(|typed| {
        let named = Method::ALL.into_iter().find(|method| method.name() == typed);
        named.unwrap_or(Method::Threshold)
    })
}

fn kind() -> impl TypedValueParser<Value = Kind> {
    Words::new(["none", "temperature", "platt"], &Kind::GONE).map(|typed| match typed.as_str() {
        "none" => Kind::None,
        "temperature" => Kind::Temperature,
        _ => Kind::Platt,
    })
}

fn rows() -> impl TypedValueParser<Value = Rows> {
    Words::new(["any", "possible"], &Rows::GONE).map(|typed| match typed.as_str() {
        "possible" => Rows::Possible,
        _ => Rows::Any,
    })
}

/// The words that are taken; one that is gone is answered with what to use instead.
#[derive(Clone)]
struct Words {
    taken: PossibleValuesParser,
    gone: &'static [(&'static str, &'static str)],
}

impl Words {
    fn new(
        taken: impl Into<PossibleValuesParser>,
        gone: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { taken: taken.into(), gone }
    }
}

impl TypedValueParser for Words {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        let Some((gone, instead)) = self.gone.iter().find(|(gone, _)| value == *gone) else {
            return self.taken.parse_ref(command, arg, value);
        };
        let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(command);
        let named = arg.map_or_else(String::new, Arg::to_string);
        error.insert(ContextKind::InvalidArg, ContextValue::String(named));
        error.insert(ContextKind::InvalidValue, ContextValue::String((*gone).to_owned()));
        let tip = format!("`{gone}` is gone, use `{instead}`");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        Err(error)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.taken.possible_values()
    }
}

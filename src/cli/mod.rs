//! Arguments of `standin`.

mod standin;

use anyhow::Result;

pub use self::standin::{Serve, Standin, StandinAction};
use crate::commands::standin::{ServeOptions, serve as serve_with};
use crate::competition;

/// Does what was typed.
pub fn serve(args: &Standin) -> Result<()> {
    let StandinAction::Serve(args) = &args.action;
    let competitions = if args.competitions.is_empty() {
        competition::all()?
    } else {
        args.competitions.iter().map(|name| competition::find(name)).collect::<Result<_>>()?
    };
    serve_with(ServeOptions {
        port: (args.port != 0).then_some(args.port),
        competitions,
        images: args.images,
        rules: args.rules,
        filler: args.filler,
        rate: args.rate,
        daily_submissions: args.daily_submissions,
        faults: args.faults.iter().cloned().collect(),
        log: args.log.clone(),
    })
}

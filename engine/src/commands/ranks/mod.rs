//! Several processes at one piece of work: who starts them, which one this is, and how they end.
//!
//! `processes.rs` starts and watches copies of this program, `supervisor.rs` lets them train one network,
//! `lifeline.rs` is a copy's side of that. torchrun, srun and mpirun start the same program without
//! `--ranks`.

mod lifeline;
mod processes;
mod supervisor;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail, ensure};
use kaggle_kit::commands::ranks::{Gpus, RanksArgs};
use kaggle_kit::device::DeviceChoice;
use kaggle_kit::exit;
use kaggle_kit::learn::{self, Alone, Stop};
use kaggle_kit::place::Place;
use kaggle_kit::recipe::Recipe;
use kaggle_kit::term;

pub(super) use self::processes::{Processes, copy_of_this, share_threads};
pub(super) use self::supervisor::{supervise, supervise_other};
use super::precision::{Work, settled};
use crate::torch::group::{Group, LostRank, has_nccl};
use crate::torch::{Device, device, threads};

/// What this process is to do.
pub(super) enum Role {
    /// Start so many others and watch them; a GPU each, if that was asked for.
    Starts { count: usize, gpus: bool },
    /// Work, alone or as one of several.
    Works(Ranks),
}

/// The processes that work at something together, as one of them sees them.
#[derive(Clone, Debug)]
pub(super) struct Ranks {
    group: Option<Rc<Group>>,
    pub(super) device: Device,
}

impl Role {
    /// As whoever started this process says, or else as it was typed.
    pub(super) fn of(args: &RanksArgs, choice: DeviceChoice) -> Result<Self> {
        if let Some(place) = Place::of_process()? {
            return Ranks::join(place, args, choice).map(Self::Works);
        }
        match (args.ranks, args.gpus) {
            (None, None) => Ok(Self::Works(Ranks::alone(device::resolve(choice)?))),
            (Some(n), _) => {
                let count = usize::from(n);
                // Where it cannot be, that is told before any is started.
                device_of_rank(choice, 0, count)?;
                Self::many(count, choice, is_gpu(choice)?)
            }
            (None, Some(gpus)) => {
                let found = device::count_gpus(choice)?;
                let count = match gpus {
                    Gpus::All => found,
                    Gpus::Some(n) => n,
                };
                ensure!(
                    count <= found,
                    "`--gpus {count}`: there are {} here\nhint: give `--gpus all`",
                    term::count(found, "NVIDIA GPU")
                );
                Self::many(count, DeviceChoice::Cuda(0), true)
            }
        }
    }

    fn many(count: usize, choice: DeviceChoice, gpus: bool) -> Result<Self> {
        Ok(match count {
            1 => Self::Works(Ranks::alone(device::resolve(choice)?)),
            count => Self::Starts { count, gpus },
        })
    }
}

impl Ranks {
    pub(super) fn alone(device: Device) -> Self {
        Self { group: None, device }
    }

    /// Comes together with the others that were started with this process.
    fn join(place: Place, args: &RanksArgs, choice: DeviceChoice) -> Result<Self> {
        let Place { rank, world, local_rank, local_world, launcher, .. } = place.clone();
        let asked = args.ranks.map(usize::from);
        let asked = asked.or(args.gpus.and_then(|gpus| match gpus {
            Gpus::Some(n) => Some(n),
            Gpus::All => None,
        }));
        ensure!(
            asked.is_none_or(|asked| asked == world),
            "{launcher} has started {world} processes, and {} are asked for\nhint: leave `--ranks` and \
             `--gpus` out: {launcher} says how many there are",
            asked.unwrap_or_default()
        );
        if rank > 0 {
            // The first one tells what there is to tell.
            term::configure(term::Verbosity::Quiet, false);
        }
        let choice = if args.gpus.is_some() { DeviceChoice::Cuda(0) } else { choice };
        let device = device_of_rank(choice, local_rank, local_world)?;
        let threads = threads::set(device, Some(&place));
        if let Some(few) = threads.filter(|_| device == Device::Cpu && rank == 0) {
            term::say(format_args!("   {few}"));
        }
        if matches!(device, Device::Cuda(_)) && !has_nccl() && rank == 0 {
            term::warn(
                "this program was built without NCCL: what GPUs tell each other goes through the \
                 processor's memory\nhint: run `make setup DEVICE=cuda`, then `make build`",
            );
        }
        let group = Group::join(place, device, args.timeout())?;
        Ok(Self { group: Some(Rc::new(group)), device })
    }

    /// Whether this process writes, prints and decides.
    pub(super) fn is_first(&self) -> bool {
        self.group.as_ref().is_none_or(|group| group.is_first())
    }

    pub(super) fn group(&self) -> Option<&Rc<Group>> {
        self.group.as_ref()
    }

    /// For a learner.
    pub(super) fn for_learner(&self) -> Rc<dyn learn::Group> {
        match &self.group {
            Some(group) => Rc::clone(group) as Rc<dyn learn::Group>,
            None => Rc::new(Alone),
        }
    }

    /// What the first one has.
    pub(super) fn follow(&self, text: String) -> Result<String> {
        let mut bytes = text.into_bytes();
        self.for_learner().follow(&mut bytes)?;
        Ok(String::from_utf8(bytes)?)
    }

    /// Compares what must be the same everywhere.
    pub(super) fn compare(&self, what: &str, own: &str) -> Result<()> {
        self.group.as_ref().map_or(Ok(()), |group| group.compare(what, own))
    }

    /// Images that are looked at at once where nothing is learnt, if the device says: the first one's.
    pub(super) fn at_once(&self, size: usize) -> Result<Option<usize>> {
        let own = device::at_once(self.device, size);
        let Some(group) = &self.group else { return Ok(own) };
        let first = group.agreed(own.unwrap_or_default() as f64)? as usize;
        Ok((first > 0).then_some(first))
    }

    /// A recipe with the precision that the device is best at where it leaves that open: the first one's, as
    /// a machine goes by what was measured on it.
    pub(super) fn settled(&self, recipe: &Recipe, work: Work) -> Result<Recipe> {
        let mut recipe = settled(recipe, self.device, work);
        let precision = self.follow(serde_json::to_string(&recipe.optimizer.precision)?)?;
        recipe.optimizer.precision = serde_json::from_str(&precision)?;
        Ok(recipe)
    }

    /// The device in words, and how many there are.
    pub(super) fn describe(&self) -> String {
        self.counted(device::describe(self.device))
    }

    /// The same with the numbers that it computes with.
    pub(super) fn in_plan(&self, recipe: &Recipe) -> String {
        self.counted(device::in_plan(self.device, recipe))
    }

    fn counted(&self, device: String) -> String {
        match &self.group {
            Some(group) => format!("{} ranks, this one on {device}", group.place().world),
            None => device,
        }
    }

    /// Does the work; others are told how it ended, if not well. What they tell as well is not told twice.
    pub(super) fn work<T>(self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let done = work(&self);
        let (Err(error), Some(group)) = (&done, &self.group) else { return done };
        group.leave_word(error);
        let is_told = error.is::<Stop>() && !group.is_first()
            || LostRank::is_in(error) && lifeline::is_held();
        if is_told {
            // Nobody waits for what a device still has to do.
            std::process::exit(i32::from(exit::code(error)));
        }
        done
    }
}

/// Whether ranks compute on NVIDIA GPUs.
fn is_gpu(choice: DeviceChoice) -> Result<bool> {
    Ok(matches!(device::of(choice, &device::report())?, Device::Cuda(_)))
}

/// The device of one of so many processes of this machine.
fn device_of_rank(choice: DeviceChoice, local_rank: usize, local_world: usize) -> Result<Device> {
    match (device::of(choice, &device::report())?, choice) {
        (Device::Cuda(number), DeviceChoice::Cuda(_)) if number > 0 && local_world > 1 => bail!(
            "`--device cuda:{number}` is one GPU, and there are {local_world} processes\nhint: give \
             `--device cuda`: each takes one of its own"
        ),
        (Device::Cuda(_), _) => {
            let visible = device::count_gpus(choice)?;
            // srun's `--gpus-per-task` shows each process its own one alone.
            if visible == 1 && (local_world == 1 || std::env::var_os("SLURM_PROCID").is_some()) {
                return Ok(Device::Cuda(0));
            }
            ensure!(
                local_rank < visible && local_world <= visible,
                "{local_world} processes on this machine, and {}\nhint: start as many as there are GPUs, or \
                 compute with `--device cpu`",
                term::count(visible, "NVIDIA GPU")
            );
            Ok(Device::Cuda(local_rank))
        }
        (Device::Mps, _) if local_world > 1 => match choice {
            DeviceChoice::Auto => Ok(Device::Cpu),
            _ => bail!(
                "an Apple GPU is one, and there are {local_world} processes\nhint: leave `--ranks` out, or \
                 compute with `--device cpu`"
            ),
        },
        (device, _) => Ok(device),
    }
}

/// A flag that Ctrl-C sets, or whoever started this process; a second Ctrl-C ends the program at once.
pub(super) fn on_interrupt() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    lifeline::hold(&flag);
    let set = Arc::clone(&flag);
    let listens = ctrlc::set_handler(move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
        term::say("   stopping after this step; once more ends at once");
    });
    if let Err(error) = listens {
        // Checkpoints make that good as well.
        term::warn(format_args!("Ctrl-C will end it at once: no thread listens for it ({error})"));
    }
    flag
}

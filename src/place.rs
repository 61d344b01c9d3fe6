//! Where a process stands among several that train one network together, and which part of a batch
//! is its own.

use std::ops::Range;

use anyhow::{Context, Result, ensure};

/// A process's part of whatever all of them work at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Of the process, from 0; the first one writes, prints and decides.
    pub rank: usize,
    /// How many processes there are.
    pub world: usize,
    division: Division,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Division {
    /// Into parts that differ by one at most.
    Even,
    /// Into blocks of so many, one each, of which the last may be smaller or missing.
    Blocks(usize),
}

impl Share {
    /// What a process has that is on its own.
    pub const WHOLE: Self = Self { rank: 0, world: 1, division: Division::Even };

    /// The even share of one of `world` processes.
    pub fn new(rank: usize, world: usize) -> Self {
        Self { rank, world, division: Division::Even }
    }

    /// A block of so many each, as one process alone would take them one after another.
    #[must_use]
    pub fn in_blocks(self, block: usize) -> Self {
        Self { division: Division::Blocks(block), ..self }
    }

    /// Whether this is the process that writes, prints and decides.
    pub fn is_first(self) -> bool {
        self.rank == 0
    }

    /// Whether there are others.
    pub fn is_one_of_several(self) -> bool {
        self.world > 1
    }

    /// Which of `n` things, in order, are this process's.
    pub fn of(self, n: usize) -> Range<usize> {
        self.of_rank(self.rank, n)
    }

    /// How many of `n` things each process has: together they are all of them.
    pub fn lengths(self, n: usize) -> Vec<usize> {
        (0..self.world).map(|rank| self.of_rank(rank, n).len()).collect()
    }

    fn of_rank(self, rank: usize, n: usize) -> Range<usize> {
        match self.division {
            Division::Even => n * rank / self.world..n * (rank + 1) / self.world,
            // What is left over when all have a block is nobody's: such a batch is not made.
            Division::Blocks(size) => (rank * size).min(n)..((rank + 1) * size).min(n),
        }
    }
}

/// Where a process stands, as whatever started it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub rank: usize,
    pub world: usize,
    /// The number on its machine, and that of its GPU.
    pub local_rank: usize,
    /// How many there are on its machine.
    pub local_world: usize,
    /// Where the store is kept in which they find each other.
    pub address: String,
    pub port: u16,
    /// Whether this process keeps the store. `torchrun` keeps it itself, and so do we.
    pub serves: bool,
    /// Who started it, for people.
    pub launcher: &'static str,
}

/// Who starts processes, and in which variables each tells them their rank, the number of all, and the
/// rank and the number on the machine.
const LAUNCHERS: [(&str, [&str; 4]); 4] = [
    ("torchrun", ["RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"]),
    (
        "Open MPI",
        [
            "OMPI_COMM_WORLD_RANK",
            "OMPI_COMM_WORLD_SIZE",
            "OMPI_COMM_WORLD_LOCAL_RANK",
            "OMPI_COMM_WORLD_LOCAL_SIZE",
        ],
    ),
    ("MPICH", ["PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"]),
    // Set by srun for each step: an allocation alone, of salloc or sbatch, is no group of processes.
    (
        "srun",
        ["SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE"],
    ),
];

/// Whether the store is kept by whoever started the processes.
pub const AGENT_STORE: &str = "TORCHELASTIC_USE_AGENT_STORE";

/// `torch.distributed`'s usual one.
const PORT: usize = 29500;
/// Where ports begin that jobs of Slurm take by their number, and how many there are.
const JOB_PORTS: (usize, usize) = (20_000, 9_000);

impl Place {
    /// Reads the variables of a launcher; nothing where a process is on its own.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let number = |name: &str| -> Result<Option<usize>> {
            // `SLURM_STEP_TASKS_PER_NODE` may be `2(x4)`.
            let text =
                get(name).map(|text| text.chars().take_while(char::is_ascii_digit).collect());
            text.map(|text: String| text.parse().with_context(|| format!("`{name}` is no number")))
                .transpose()
        };
        let found = LAUNCHERS
            .iter()
            .find(|(_, [rank, world, ..])| get(rank).is_some() && get(world).is_some());
        let Some((launcher, [rank, world, local_rank, local_world])) = found else {
            return Ok(None);
        };
        let (Some(rank), Some(world)) = (number(rank)?, number(world)?) else { return Ok(None) };
        if world < 2 {
            return Ok(None);
        }
        ensure!(rank < world, "rank {rank} of {world}, as {launcher} says");
        let local_rank = number(local_rank)?.unwrap_or(rank);
        let local_world = number(local_world)?.unwrap_or(world).max(1);
        let address = get("MASTER_ADDR").or_else(|| get("SLURM_LAUNCH_NODE_IPADDR"));
        let address = address.or_else(|| (local_world == world).then(|| "127.0.0.1".to_owned()));
        let address = address.with_context(|| {
            format!(
                "{launcher} started {world} processes on several machines, and none knows where the first \
                 is\nhint: set MASTER_ADDR to the first machine's name, and MASTER_PORT to a free port there"
            )
        })?;
        let of_job = number("SLURM_JOB_ID")?.filter(|_| *launcher == "srun");
        let step = number("SLURM_STEP_ID")?.unwrap_or_default();
        let of_job = of_job.map(|job| JOB_PORTS.0 + (7 * job + step) % JOB_PORTS.1);
        let port = number("MASTER_PORT")?.or(of_job).unwrap_or(PORT);
        let port = u16::try_from(port).context("`MASTER_PORT` is no port")?;
        let serves = rank == 0 && get(AGENT_STORE).as_deref() != Some("True");
        Ok(Some(Self { rank, world, local_rank, local_world, address, port, serves, launcher }))
    }

    /// The same, of this process.
    pub fn of_process() -> Result<Option<Self>> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    pub fn share(&self) -> Share {
        Share::new(self.rank, self.world)
    }

    /// Of this many cores, those that are this process's: its neighbours compute as well.
    pub fn cores(&self, cores: usize) -> usize {
        (cores / self.local_world).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(variables: &[(&str, &str)]) -> Result<Option<Place>> {
        Place::from_variables(|name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn launchers_are_understood() {
        assert_eq!(place(&[]).unwrap(), None);
        assert_eq!(place(&[("RANK", "0"), ("WORLD_SIZE", "1")]).unwrap(), None);
        let torchrun = place(&[
            ("RANK", "3"),
            ("WORLD_SIZE", "4"),
            ("LOCAL_RANK", "1"),
            ("LOCAL_WORLD_SIZE", "2"),
            ("MASTER_ADDR", "a"),
            ("MASTER_PORT", "7"),
            (AGENT_STORE, "True"),
        ]);
        let expected = Place {
            rank: 3,
            world: 4,
            local_rank: 1,
            local_world: 2,
            address: "a".to_owned(),
            port: 7,
            serves: false,
            launcher: "torchrun",
        };
        assert_eq!(torchrun.unwrap().unwrap(), expected);
        let mpi = [
            ("OMPI_COMM_WORLD_RANK", "0"),
            ("OMPI_COMM_WORLD_SIZE", "2"),
            ("OMPI_COMM_WORLD_LOCAL_RANK", "0"),
            ("OMPI_COMM_WORLD_LOCAL_SIZE", "2"),
        ];
        let mpi = place(&mpi).unwrap().unwrap();
        assert_eq!((mpi.address.as_str(), mpi.port, mpi.serves), ("127.0.0.1", 29500, true));
        assert_eq!(mpi.cores(7), 3);
        let mpich = place(&[("PMI_RANK", "1"), ("PMI_SIZE", "2")]).unwrap().unwrap();
        assert!(!mpich.serves && mpich.local_world == 2);
        assert!(place(&[("RANK", "2"), ("WORLD_SIZE", "2")]).is_err());
        assert!(place(&[("RANK", "x"), ("WORLD_SIZE", "2")]).is_err());
    }

    #[test]
    fn an_allocation_alone_is_no_group() {
        let step = |job: &'static str| {
            place(&[
                ("SLURM_JOB_ID", job),
                ("SLURM_PROCID", "0"),
                ("SLURM_STEP_NUM_TASKS", "4"),
                ("SLURM_LOCALID", "0"),
                ("SLURM_STEP_TASKS_PER_NODE", "2(x2)"),
                ("MASTER_ADDR", "n1"),
            ])
        };
        let first = step("4711").unwrap().unwrap();
        assert!(first.serves && first.local_world == 2);
        // Two jobs that share a machine do not share a port.
        assert_ne!(first.port, step("4712").unwrap().unwrap().port);
        assert_eq!(place(&[("SLURM_PROCID", "0"), ("SLURM_NTASKS", "4")]).unwrap(), None);
        // On several machines somebody has to say where the first one is.
        let unknown = place(&[
            ("SLURM_PROCID", "1"),
            ("SLURM_STEP_NUM_TASKS", "4"),
            ("SLURM_STEP_TASKS_PER_NODE", "2(x2)"),
        ]);
        assert!(unknown.unwrap_err().to_string().contains("hint: set MASTER_ADDR"));
    }

    #[test]
    fn shares_are_all_of_it_in_order() {
        for n in 0..40 {
            for world in 1..9 {
                for (block, most) in [(None, n), (Some(5), 5 * world)] {
                    let n = n.min(most);
                    let mut next = 0;
                    for rank in 0..world {
                        let mut share = Share::new(rank, world);
                        if let Some(block) = block {
                            share = share.in_blocks(block);
                        }
                        let own = share.of(n);
                        assert_eq!((own.start, own.len()), (next, share.lengths(n)[rank]));
                        assert!(block.is_some() || own.len() <= n.div_ceil(world));
                        next = own.end;
                    }
                    assert_eq!(next, n);
                }
            }
        }
        assert_eq!(Share::WHOLE.of(7), 0..7);
    }
}

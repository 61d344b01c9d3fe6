//! Processes that train one network together, on `PyTorch`'s own engine: c10d's store where they find each
//! other, Gloo for what lies in host memory, NCCL for what lies on GPUs.
//!
//! `raw.rs` is the door to it, `words.rs` its errors as people read them, `address.rs` where a machine is found;
//! `overlap.rs` adds gradients up while others are still computed.

mod address;
mod overlap;
mod raw;
#[cfg(test)]
pub(super) mod tests;
mod words;

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Result, anyhow, bail, ensure};
use kaggle_kit::learn;
use kaggle_kit::place::{Place, Share};
use tch::{Device, Kind, Tensor, no_grad};

use self::address::own_address;
pub(super) use self::overlap::Overlap;
use self::raw::{Members, Pending, Store, Told};
use self::words::{Trouble, clear};

/// Gradients are sent in pieces of so many bytes: one is on its way while the next one is made ready.
const BUCKET: usize = 25 << 20;
/// How often a rank that waits for the first one's long work looks whether that is still there.
const LOOK: Duration = Duration::from_secs(1);
/// A rank that is about to end leaves its last word within that time.
const LAST_WORD: Duration = Duration::from_millis(500);
/// Of its last word, where another's end was its own.
const FOLLOWED: &str = "followed: ";

/// Whether tensors on NVIDIA GPUs go from one to another without a way through the host.
pub fn has_nccl() -> bool {
    raw::has_nccl()
}

/// The store that this process keeps for others, which it has started.
#[derive(Debug)]
pub struct KeptStore {
    store: Store,
    pub port: u16,
}

impl KeptStore {
    /// Opens it on the loopback, at a port that nobody else has.
    pub fn open() -> Result<Self> {
        let opened = Store::open("127.0.0.1", 0, true, 1, Duration::from_secs(60));
        let (store, port) = opened.map_err(|text| anyhow!("failed to open a port: {text}"))?;
        Ok(Self { store, port })
    }

    /// Whether a rank ended only because another one had.
    pub fn has_followed(&self, rank: usize) -> bool {
        let word = self.store.get(&end_of(rank), Duration::from_millis(20)).ok().flatten();
        word.is_some_and(|word| word.starts_with(FOLLOWED))
    }
}

/// All ranks, met.
#[derive(Debug)]
pub struct Group {
    members: Members,
    store: Store,
    place: Place,
    timeout: Duration,
    /// How often it met the others through the store.
    turn: Cell<u64>,
}

impl Group {
    /// Waits for all the others, at most for the time that every collective may take.
    pub fn join(place: Place, device: Device, timeout: Duration) -> Result<Self> {
        let wrong = |text: String| match clear(&text, &place, timeout) {
            Trouble::Other(text) => anyhow!(text),
            Trouble::Lost => anyhow!("another rank has ended while all came together"),
        };
        let (host, world) = (place.address.as_str(), place.world);
        let (store, port) =
            Store::open(host, place.port, place.serves, world, timeout).map_err(wrong)?;
        let own = own_address(&store, &place, port, timeout).map_err(wrong)?;
        let gpu = match device {
            Device::Cuda(number) => Some(number),
            _ => None,
        };
        let ranks = (place.rank, world);
        let members =
            Members::join(&store, &own, place.serves, ranks, gpu, timeout).map_err(wrong)?;
        Ok(Self { members, store, place, timeout, turn: Cell::new(0) })
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn rank(&self) -> usize {
        self.place.rank
    }

    pub fn is_first(&self) -> bool {
        self.place.rank == 0
    }

    /// Adds tensors up over all ranks, in place; several are on their way at once.
    pub fn sum_all(&self, tensors: &mut [Tensor]) -> Result<()> {
        self.sum_in_buckets(tensors, BUCKET)
    }

    fn sum_in_buckets(&self, tensors: &mut [Tensor], bucket_bytes: usize) -> Result<()> {
        no_grad(|| {
            let buckets = buckets(tensors, bucket_bytes);
            let mut on_their_way = Vec::with_capacity(buckets.len());
            for bucket in &buckets {
                // A tensor that fills a bucket by itself is sent as it lies there.
                let flat = match bucket.as_slice() {
                    [one] if tensors[*one].is_contiguous() => tensors[*one].view([-1]),
                    all => {
                        let parts: Vec<Tensor> =
                            all.iter().map(|&i| tensors[i].reshape([-1])).collect();
                        Tensor::f_cat(&parts, 0)?
                    }
                };
                let (sent, pending) = self.start_sum(&flat)?;
                on_their_way.push((sent, pending));
            }
            for (bucket, (flat, pending)) in buckets.iter().zip(on_their_way) {
                self.told(pending.wait())?;
                let mut from = 0;
                for &i in bucket {
                    let (n, shape) = (tensors[i].numel() as i64, tensors[i].size());
                    let part = flat.narrow(0, from, n);
                    if part.data_ptr() != tensors[i].data_ptr() {
                        tensors[i].copy_(&part.view(shape.as_slice()));
                    }
                    from += n;
                }
            }
            Ok(())
        })
    }

    /// What will be the sum, and when; without NCCL it goes through the host.
    fn start_sum(&self, tensor: &Tensor) -> Result<(Tensor, Pending)> {
        let sent = for_c10d(tensor);
        let pending = self.told(self.members.start_sum(&sent))?;
        Ok((sent, pending))
    }

    /// Gives everybody what the first rank has.
    pub fn spread(&self, tensor: &Tensor) -> Result<()> {
        no_grad(|| {
            let sent = for_c10d(tensor).contiguous();
            self.told(self.members.spread(&sent))?;
            if sent.data_ptr() != tensor.data_ptr() {
                tensor.shallow_clone().copy_(&sent);
            }
            Ok(())
        })
    }

    /// The rows of all ranks, in their order; `lengths` say how many each has. What is sent has one shape
    /// everywhere: of other sizes Gloo would end the process.
    pub fn gather(&self, rows: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        ensure!(
            lengths.len() == self.place.world && rows.size()[0] == lengths[self.rank()] as i64,
            "{} rows of {lengths:?}",
            rows.size()[0]
        );
        no_grad(|| {
            let most = lengths.iter().copied().max().unwrap_or_default().max(1) as i64;
            let (mut shape, like) = (rows.size(), (rows.kind(), rows.device()));
            let own = shape[0];
            shape[0] = most;
            let padded = Tensor::zeros(shape.as_slice(), like);
            if own > 0 {
                padded.narrow(0, 0, own).copy_(&rows.detach());
            }
            let padded = for_c10d(&padded);
            shape[0] = most * lengths.len() as i64;
            let into = Tensor::empty(shape.as_slice(), (rows.kind(), padded.device()));
            self.told(self.members.gather(&into, &padded))?;
            let parts: Vec<Tensor> = (0..)
                .zip(lengths)
                .map(|(rank, &n)| into.narrow(0, rank * most, n as i64))
                .collect();
            Ok(Tensor::f_cat(&parts, 0)?.to_device(rows.device()))
        })
    }

    /// Adds numbers of the host up: small ones, over Gloo.
    pub fn sum_numbers(&self, numbers: &mut [f64]) -> Result<()> {
        let (sum, pending) = self.start_sum(&Tensor::from_slice(numbers))?;
        self.told(pending.wait())?;
        sum.copy_data(numbers, numbers.len());
        Ok(())
    }

    /// The same of many numbers, as large as a network's gradients.
    pub fn sum_floats(&self, numbers: &mut [f32]) -> Result<()> {
        let (sum, pending) = self.start_sum(&Tensor::from_slice(numbers))?;
        self.told(pending.wait())?;
        sum.copy_data(numbers, numbers.len());
        Ok(())
    }

    /// The first rank's number, for all.
    pub fn agreed(&self, number: f64) -> Result<f64> {
        let mut numbers = [if self.is_first() { number } else { 0.0 }];
        self.sum_numbers(&mut numbers)?;
        Ok(numbers[0])
    }

    /// Bytes of the first rank, to everybody.
    pub fn spread_bytes(&self, bytes: &mut Vec<u8>) -> Result<()> {
        let length = self.agreed(bytes.len() as f64)? as i64;
        if length == 0 {
            bytes.clear();
            return Ok(());
        }
        let tensor = if self.is_first() {
            Tensor::from_slice(bytes)
        } else {
            Tensor::zeros([length], (Kind::Uint8, Device::Cpu))
        };
        self.spread(&tensor)?;
        if !self.is_first() {
            *bytes = Vec::try_from(tensor)?;
        }
        Ok(())
    }

    /// Compares what must be the same everywhere with the first rank's, line by line, before anything is
    /// sent whose size depends on it.
    pub fn compare(&self, what: &str, own: &str) -> Result<()> {
        let key = format!("same/{what}/{}", self.next_turn());
        if self.is_first() {
            return self.told(self.store.set(&key, own));
        }
        let first = self.patiently(&key)?;
        let mut lines = first.lines().zip(own.lines());
        if first == own {
            return Ok(());
        }
        let rank = self.rank();
        match lines.find(|(first, own)| first != own) {
            Some((first, own)) => bail!(
                "rank {rank} differs from rank 0: `{own}` where that has `{first}`\nhint: start all ranks with \
                 the same program, the same command and the same data"
            ),
            None => bail!(
                "rank {rank} differs from rank 0 in {what}\nhint: start all ranks with the same program, the \
                 same command and the same data"
            ),
        }
    }

    /// A name that no other meeting has; all ranks count alike.
    fn next_turn(&self) -> u64 {
        self.turn.set(self.turn.get() + 1);
        self.turn.get()
    }

    /// A word of the first rank, however long it takes: if that ends without one, the store does with it, or
    /// whoever started it ends this one too.
    fn patiently(&self, key: &str) -> Result<String> {
        loop {
            if let Some(word) = self.told(self.store.get(key, LOOK))? {
                return Ok(word);
            }
            let end = self.told(self.store.get(&end_of(0), Duration::from_millis(1)))?;
            ensure!(end.is_none(), self.lost());
        }
    }

    /// Leaves a last word for the others: why this rank ends.
    pub fn leave_word(&self, error: &anyhow::Error) {
        let has_followed = LostRank::is_in(error);
        let text = format!("{}{error:#}", if has_followed { FOLLOWED } else { "" });
        // Whoever kept the store may be gone.
        let _ = self.store.set(&end_of(self.rank()), &text.replace('\0', " "));
    }

    fn told<T>(&self, told: Told<T>) -> Result<T> {
        let text = match told {
            Ok(value) => return Ok(value),
            Err(text) => text,
        };
        match clear(&text, &self.place, self.timeout) {
            Trouble::Other(text) => Err(anyhow!(text)),
            Trouble::Lost => Err(self.lost().into()),
        }
    }

    /// Who has ended, and why, as far as it can be known.
    fn lost(&self) -> LostRank {
        let others = (0..self.place.world).filter(|&rank| rank != self.rank());
        let mut silent = Vec::new();
        for rank in others {
            match self.store.get(&end_of(rank), LAST_WORD) {
                Ok(Some(word)) if word.starts_with(FOLLOWED) => {}
                Ok(Some(word)) => {
                    let why = word.lines().next().unwrap_or_default().to_owned();
                    return LostRank { who: format!("rank {rank}"), why };
                }
                Ok(None) => silent.push(rank),
                // The store is gone with whoever kept it.
                Err(_) => {
                    let who = if self.place.serves { "another rank" } else { "rank 0" };
                    return LostRank { who: who.to_owned(), why: "without a word".to_owned() };
                }
            }
        }
        let who = match silent.as_slice() {
            [rank] => format!("rank {rank}"),
            _ => "another rank".to_owned(),
        };
        LostRank { who, why: "without a word".to_owned() }
    }
}

/// Another rank has ended, and so must this one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{who} has ended: {why}\nhint: run the same command again, without `--anew`, to go on from the \
     checkpoint, with as many ranks or others"
)]
pub struct LostRank {
    who: String,
    why: String,
}

impl LostRank {
    /// Whether an error comes of it.
    pub fn is_in(error: &anyhow::Error) -> bool {
        error.chain().any(<dyn std::error::Error>::is::<Self>)
    }
}

/// A tensor where c10d can take it: without NCCL it goes through the host.
fn for_c10d(tensor: &Tensor) -> Tensor {
    match tensor.device() {
        Device::Cuda(_) if !has_nccl() => tensor.to_device(Device::Cpu),
        _ => tensor.shallow_clone(),
    }
}

fn end_of(rank: usize) -> String {
    format!("end/{rank}")
}

/// Indices of tensors that are sent together: of one kind, and of about so many bytes.
fn buckets(tensors: &[Tensor], bytes_of_bucket: usize) -> Vec<Vec<usize>> {
    let mut buckets: Vec<Vec<usize>> = Vec::new();
    let mut size = usize::MAX;
    for (i, tensor) in tensors.iter().enumerate() {
        let bytes = tensor.numel() * tensor.kind().elt_size_in_bytes();
        let fits = size.checked_add(bytes).is_some_and(|sum| sum <= bytes_of_bucket);
        let is_alike = |bucket: &&mut Vec<usize>| tensors[bucket[0]].kind() == tensor.kind();
        if let Some(bucket) = buckets.last_mut().filter(|_| fits).filter(is_alike) {
            size += bytes;
            bucket.push(i);
        } else {
            size = bytes;
            buckets.push(vec![i]);
        }
    }
    buckets
}

impl learn::Group for Group {
    fn share(&self) -> Share {
        self.place.share()
    }

    fn sum(&self, numbers: &mut [f64]) -> Result<()> {
        self.sum_numbers(numbers)
    }

    fn gather(&self, rows: &[f32], lengths: &[usize], width: usize) -> Result<Vec<f32>> {
        let rows = Tensor::from_slice(rows).f_view([lengths[self.rank()] as i64, width as i64])?;
        Ok(Vec::try_from(Self::gather(self, &rows, lengths)?.f_view([-1])?)?)
    }

    fn follow(&self, bytes: &mut Vec<u8>) -> Result<()> {
        self.spread_bytes(bytes)
    }

    fn wait_for_first(&self) -> Result<()> {
        let key = format!("turn/{}", self.next_turn());
        if self.is_first() {
            self.told(self.store.set(&key, "here"))
        } else {
            self.patiently(&key).map(drop)
        }
    }
}

//! How much room there is: on the disk, and in memory.

use std::path::Path;

use super::read_to_string;

/// How many bytes a person may still write to the disk that `folder` is on, or will be on once it
/// is made; `None` where the system does not tell.
pub fn free_space(folder: &Path) -> Option<u64> {
    Some(free_at(folder)?.bytes)
}

/// How many files and folders may still be made on that disk; `None` where the system does not tell,
/// or where the disk makes room for them as it goes.
pub fn free_files(folder: &Path) -> Option<u64> {
    free_at(folder)?.files
}

/// Whether a file lies on a disk that nobody can write to.
#[cfg(unix)]
pub fn is_read_only(path: &Path) -> bool {
    let disk = rustix::fs::statvfs(path);
    disk.is_ok_and(|disk| disk.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

#[cfg(not(unix))]
pub fn is_read_only(_: &Path) -> bool {
    false
}

struct Free {
    bytes: u64,
    files: Option<u64>,
}

#[cfg(unix)]
fn free_at(folder: &Path) -> Option<Free> {
    let folder = std::path::absolute(folder).ok()?;
    let there = folder.ancestors().find(|place| place.exists())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    let bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    Some(Free { bytes, files: (disk.f_files > 0).then_some(disk.f_favail) })
}

#[cfg(not(unix))]
fn free_at(_: &Path) -> Option<Free> {
    None
}

/// How many bytes of memory this process could have without anything being written out for it; `None`
/// where the system does not tell.
#[cfg(target_os = "linux")]
pub fn free_memory() -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let of_machine = line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024;
    // A container may have less than its machine. The files that it has in memory count as its own,
    // but would make room.
    let number = |name: &str| {
        read_to_string(format!("/sys/fs/cgroup/memory.{name}")).ok()?.trim().parse::<u64>().ok()
    };
    let of_container = number("max").zip(number("current")).map(|(most, now)| {
        let files = read_to_string("/sys/fs/cgroup/memory.stat").unwrap_or_default();
        let files = files.lines().find_map(|line| line.strip_prefix("file ")?.parse().ok());
        most.saturating_sub(now).saturating_add(files.unwrap_or(0))
    });
    Some(of_container.map_or(of_machine, |free| free.min(of_machine)))
}

/// How many bytes of memory this process could have without anything being written out for it; `None`
/// where the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn free_memory() -> Option<u64> {
    None
}

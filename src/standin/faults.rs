//! What goes wrong on purpose.

/// Troubles to come; each is used up as it happens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// So many of the next downloads from storage are answered with 503.
    pub failing_downloads: u32,
    /// The next download breaks off after so many bytes.
    pub cut_at: Option<usize>,
    /// So many of the next questions for a submission are answered with `PENDING`.
    pub pending_answers: u32,
}

impl Faults {
    /// Takes one off a count of troubles to come; false when there is none left.
    pub(super) fn use_up(count: &mut u32) -> bool {
        let left = *count > 0;
        *count = count.saturating_sub(1);
        left
    }
}

//! Systems of linear equations of a few dozen unknowns, as Newton's steps have them.

/// Solves `gram w = right`: `gram` is `[p, p]`, symmetric and positive definite, and is left as its
/// [factor](factorise); `right` is `[p, m]` and is left as `w`.
pub(super) fn solve(gram: &mut [f64], right: &mut [f64], p: usize, m: usize) {
    factorise(gram, p);
    divide(right, gram, p, m);
}

/// Replaces the lower triangle of `gram` (`[p, p]`, symmetric and positive definite) by that of
/// Cholesky's `l` with `gram = l l'`.
fn factorise(gram: &mut [f64], p: usize) {
    for j in 0..p {
        let (above, below) = gram.split_at_mut((j + 1) * p);
        let row = &mut above[j * p..];
        let squares: f64 = row[..j].iter().map(|l| l * l).sum();
        // A penalty keeps it positive but for rounding.
        let diagonal = (row[j] - squares).max(1e-12).sqrt();
        row[j] = diagonal;
        for other in below.chunks_exact_mut(p) {
            let dot: f64 = other[..j].iter().zip(&row[..j]).map(|(a, b)| a * b).sum();
            other[j] = (other[j] - dot) / diagonal;
        }
    }
}

/// Solves `l l' w = right` for a [factor](factorise) `l`; `right` is `[p, m]` and is left as `w`.
fn divide(right: &mut [f64], factor: &[f64], p: usize, m: usize) {
    for i in 0..p {
        let (earlier, row) = right.split_at_mut(i * m);
        let known = earlier.chunks_exact(m).zip(&factor[i * p..]);
        eliminate(&mut row[..m], known, factor[i * p + i]);
    }
    for i in (0..p).rev() {
        let (row, later) = right.split_at_mut((i + 1) * m);
        let column = factor[i * p + i..].iter().step_by(p).skip(1);
        eliminate(&mut row[i * m..], later.chunks_exact(m).zip(column), factor[i * p + i]);
    }
}

/// Takes the known unknowns, times their factors, off a row, and divides what is left.
fn eliminate<'a>(
    row: &mut [f64],
    known: impl Iterator<Item = (&'a [f64], &'a f64)>,
    diagonal: f64,
) {
    for (known, factor) in known {
        row.iter_mut().zip(known).for_each(|(right, w)| *right -= factor * w);
    }
    for right in row {
        *right /= diagonal;
    }
}

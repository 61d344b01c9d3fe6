//! Numbers in rows of one width: a probability an image and class.

use std::slice::ChunksExact;

/// `[n, width]`, row-major.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table<T = f32> {
    cells: Vec<T>,
    width: usize,
}

impl<T> Table<T> {
    /// Rows of `width` cells, one after another; panics where the last is not whole.
    pub fn new(cells: Vec<T>, width: usize) -> Self {
        assert!(cells.len().is_multiple_of(width), "{} cells are no rows of {width}", cells.len());
        Self { cells, width }
    }

    /// No row yet.
    pub fn empty(width: usize) -> Self {
        Self { cells: Vec::new(), width }
    }

    /// The cells of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many rows; none of no width.
    pub fn n_rows(&self) -> usize {
        self.cells.len() / self.width.max(1)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// All rows, in order.
    pub fn rows(&self) -> ChunksExact<'_, T> {
        self.cells.chunks_exact(self.width.max(1))
    }

    /// The same, to be changed.
    pub fn rows_mut(&mut self) -> std::slice::ChunksExactMut<'_, T> {
        self.cells.chunks_exact_mut(self.width.max(1))
    }

    /// A row; panics where there is none.
    pub fn row(&self, row: usize) -> &[T] {
        &self.cells[row * self.width..][..self.width]
    }

    /// The same, to be changed.
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        &mut self.cells[row * self.width..][..self.width]
    }

    /// All cells, row by row.
    pub fn as_slice(&self) -> &[T] {
        &self.cells
    }

    /// The same, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.cells
    }

    /// All cells, row by row.
    pub fn into_cells(self) -> Vec<T> {
        self.cells
    }
}

impl Table {
    /// The same in double precision.
    pub fn wide(&self) -> Table<f64> {
        Table::new(self.cells.iter().map(|&cell| f64::from(cell)).collect(), self.width)
    }
}

impl<T: Copy> Table<T> {
    /// Rows as they come; panics where one has another width.
    pub fn from_rows<'a>(rows: impl IntoIterator<Item = &'a [T]>, width: usize) -> Self
    where
        T: 'a,
    {
        let mut table = Self::empty(width);
        rows.into_iter().for_each(|row| table.push(row));
        table
    }

    /// Adds a row; panics where it has another width.
    pub fn push(&mut self, row: &[T]) {
        assert_eq!(row.len(), self.width, "a row as wide as the table");
        self.cells.extend_from_slice(row);
    }

    /// The cells of a column, in the order of rows.
    pub fn column(&self, column: usize) -> impl Iterator<Item = T> + '_ {
        self.rows().map(move |row| row[column])
    }

    /// Some of the rows, in the order of `rows`.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self::from_rows(rows.iter().map(|&row| self.row(row)), self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_are_those_that_were_given() {
        let mut table = Table::new(vec![1, 2, 3, 4, 5, 6], 3);
        assert_eq!((table.n_rows(), table.width(), table.row(1)), (2, 3, &[4, 5, 6][..]));
        assert_eq!(table.column(1).collect::<Vec<_>>(), [2, 5]);
        table.push(&[7, 8, 9]);
        table.row_mut(0)[0] = 0;
        assert_eq!(table.select(&[2, 0]), Table::new(vec![7, 8, 9, 0, 2, 3], 3));
        assert_eq!(table.rows().map(|row| row[2]).collect::<Vec<_>>(), [3, 6, 9]);
        for row in table.rows_mut() {
            row.reverse();
        }
        assert_eq!(table.as_slice(), [3, 2, 0, 6, 5, 4, 9, 8, 7]);
    }

    #[test]
    fn nothing_has_no_rows() {
        for width in [0, 3] {
            let table: Table = Table::empty(width);
            assert_eq!((table.n_rows(), table.rows().len(), table.is_empty()), (0, 0, true));
            assert_eq!(table, Table::new(Vec::new(), width));
        }
    }

    #[test]
    fn rows_are_whole() {
        assert!(std::panic::catch_unwind(|| Table::new(vec![0.0; 5], 3)).is_err());
    }
}

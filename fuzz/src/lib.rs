//! What the fuzz targets call: the properties of the library that must hold for any input.

pub mod archives;
pub mod data_folder;
pub mod run_folder;
pub mod tables;

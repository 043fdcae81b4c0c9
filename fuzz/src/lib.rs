//! What the fuzz targets share.

#[cfg(feature = "stored")]
pub mod stored;

//! How a layer is compressed.

use crate::gzip::ParallelGzip;
use oci_spec::image::MediaType;
use std::io::{self, Write};

const ZSTD_LEVEL: i32 = 3;

/// How a layer, or the plain tar, is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip: what every container tool reads.
    Gzip,
    /// Zstandard: faster and smaller; Docker reads it since release 23.
    Zstd,
    /// xz, for the plain tar only.
    Xz,
    /// bzip2, for the plain tar only.
    Bzip2,
}

impl Compression {
    /// Reads the parameter `compress`. `true` is the default and `false` is `none`, as other targets have them.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "none" | "false" | "no" | "0" => Some(Self::None),
            "gzip" | "zlib" | "true" | "yes" | "1" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            "xz" => Some(Self::Xz),
            "bzip2" => Some(Self::Bzip2),
            _ => None,
        }
    }

    /// Returns the media type of a layer, or `None` if OCI has none for it.
    pub fn layer_media_type(self) -> Option<MediaType> {
        match self {
            Self::None => Some(MediaType::ImageLayer),
            Self::Gzip => Some(MediaType::ImageLayerGzip),
            Self::Zstd => Some(MediaType::ImageLayerZstd),
            Self::Xz | Self::Bzip2 => None,
        }
    }

    /// Returns the format of a plain tar, which is also how its file is named.
    pub fn tar_format(self) -> &'static str {
        match self {
            Self::None => "tar",
            Self::Gzip => "tar.gz",
            Self::Zstd => "tar.zst",
            Self::Xz => "tar.xz",
            Self::Bzip2 => "tar.bz2",
        }
    }
}

/// Compresses what is written to it. The bytes it makes depend on the input alone, never on the number of threads.
pub enum Compressor<W: Write> {
    /// Passes everything on.
    None(W),
    /// gzip.
    Gzip(ParallelGzip<W>),
    /// Zstandard.
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Compressor<W> {
    /// Starts compressing. xz and bzip2, which other programs do afterwards, pass everything on.
    ///
    /// # Errors
    /// If the output fails.
    pub fn new(compression: Compression, output: W, threads: usize) -> io::Result<Self> {
        match compression {
            Compression::None | Compression::Xz | Compression::Bzip2 => Ok(Self::None(output)),
            Compression::Gzip => ParallelGzip::new(output, threads).map(Self::Gzip),
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(output, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                // Zero threads would make other bytes than one thread does; one, two and ten make the same.
                encoder.multithread(u32::try_from(threads.max(1)).unwrap_or(u32::MAX))?;
                Ok(Self::Zstd(encoder))
            }
        }
    }

    /// Ends the compressed stream and returns the output.
    ///
    /// # Errors
    /// If the output fails.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::None(output) => Ok(output),
            Self::Gzip(gzip) => gzip.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(output) => output.write(bytes),
            Self::Gzip(gzip) => gzip.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_threads_does_not_show_with_zstd() {
        let data: Vec<u8> = (0..40_000_000_u32).map(|i| (i.wrapping_mul(i) >> 13) as u8).collect();
        let compress = |threads| {
            let mut zstd = Compressor::new(Compression::Zstd, Vec::new(), threads).unwrap();
            for piece in data.chunks((threads + 1) * 100_003) {
                zstd.write_all(piece).unwrap();
            }
            zstd.finish().unwrap()
        };
        let one = compress(1);
        assert!(one == compress(2));
        assert!(one == compress(5));
        assert!(one == compress(0), "no thread at all counts as one");
    }
}

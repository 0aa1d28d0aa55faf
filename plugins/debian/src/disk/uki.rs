//! Booting by UEFI: a unified kernel image. systemd's boot stub, a PE executable, gets the command line, the initial RAM
//! file system and the kernel appended as sections of its own, as the UAPI group's specification describes.

use super::Error;
use std::fs;
use std::path::Path;

/// systemd's boot stub, in the package `systemd-boot-efi`.
pub(crate) const STUB: &str = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";

/// Bytes of a section header.
const SECTION_HEADER: usize = 40;
/// Initialised data, readable.
const READ_ONLY_DATA: u32 = 0x4000_0040;

/// What the stub starts.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// The image's `os-release`.
    pub(crate) os_release: Vec<u8>,
    /// The kernel's command line.
    pub(crate) command_line: String,
    /// The initial RAM file system.
    pub(crate) initrd: Vec<u8>,
    /// The kernel.
    pub(crate) linux: Vec<u8>,
}

impl Kernel {
    /// Builds the image from the host's stub.
    ///
    /// # Errors
    /// If the stub can't be read or is not what it should be.
    pub(crate) fn into_uki(self) -> Result<Vec<u8>, Error> {
        let path = Path::new(STUB);
        let stub = fs::read(path).map_err(Error::read(path))?;
        // The kernel is last: it may unpack itself in place, over what would follow.
        let sections = [
            (*b".osrel\0\0", self.os_release),
            (*b".cmdline", self.command_line.into_bytes()),
            (*b".initrd\0", self.initrd),
            (*b".linux\0\0", self.linux),
        ];
        append(stub, &sections).ok_or_else(|| Error::Stub(path.to_owned()))
    }
}

/// Places in a PE32+ executable, as offsets into the file.
struct Layout {
    coff: usize,
    optional: usize,
    sections: usize,
    count: usize,
}

impl Layout {
    fn read(image: &[u8]) -> Option<Self> {
        let signature = u32_at(image, 0x3c)? as usize;
        if image.get(signature..signature + 4)? != b"PE\0\0" {
            return None;
        }
        let coff = signature + 4;
        let optional = coff + 20;
        let is_pe32_plus = u16_at(image, optional)? == 0x20b;
        let sections = optional + usize::from(u16_at(image, coff + 16)?);
        let count = usize::from(u16_at(image, coff + 2)?);
        is_pe32_plus.then_some(Self { coff, optional, sections, count })
    }

    /// Answers the first address after all sections.
    fn end_of_memory(&self, image: &[u8]) -> Option<u32> {
        let ends = (0..self.count).map(|index| {
            let header = self.sections + index * SECTION_HEADER;
            Some(u32_at(image, header + 8)? + u32_at(image, header + 12)?)
        });
        ends.collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}

fn append(mut image: Vec<u8>, sections: &[([u8; 8], Vec<u8>)]) -> Option<Vec<u8>> {
    let layout = Layout::read(&image)?;
    let memory_unit = u32_at(&image, layout.optional + 32)?;
    let file_unit = u32_at(&image, layout.optional + 36)? as usize;
    let room_ends = u32_at(&image, layout.optional + 60)? as usize;
    let mut header = layout.sections + layout.count * SECTION_HEADER;
    if header + sections.len() * SECTION_HEADER > room_ends {
        return None;
    }
    let mut address = layout.end_of_memory(&image)?.next_multiple_of(memory_unit);
    image.resize(image.len().next_multiple_of(file_unit), 0);
    for (name, content) in sections {
        let start = image.len();
        let size = u32::try_from(content.len()).ok()?;
        image.extend_from_slice(content);
        image.resize(image.len().next_multiple_of(file_unit), 0);
        let stored = u32::try_from(image.len() - start).ok()?;
        image[header..header + 8].copy_from_slice(name);
        let fields = [size, address, stored, u32::try_from(start).ok()?, 0, 0, 0, READ_ONLY_DATA];
        for (index, field) in fields.into_iter().enumerate() {
            put_u32(&mut image, header + 8 + 4 * index, field);
        }
        header += SECTION_HEADER;
        address = address.checked_add(size)?.next_multiple_of(memory_unit);
    }
    let count = u16::try_from(layout.count + sections.len()).ok()?;
    image[layout.coff + 2..layout.coff + 4].copy_from_slice(&count.to_le_bytes());
    put_u32(&mut image, layout.optional + 56, address);
    // A checksum of zero means that there is none.
    put_u32(&mut image, layout.optional + 64, 0);
    Some(image)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PE32+ file with one section and room for more headers.
    fn tiny_stub(room_ends: u32) -> Vec<u8> {
        let mut stub = vec![0; 1024];
        put_u32(&mut stub, 0x3c, 0x40);
        stub[0x40..0x44].copy_from_slice(b"PE\0\0");
        stub[0x46..0x48].copy_from_slice(&1u16.to_le_bytes());
        stub[0x54..0x56].copy_from_slice(&112u16.to_le_bytes());
        let optional = 0x58;
        stub[optional..optional + 2].copy_from_slice(&0x20bu16.to_le_bytes());
        put_u32(&mut stub, optional + 32, 0x1000);
        put_u32(&mut stub, optional + 36, 512);
        put_u32(&mut stub, optional + 60, room_ends);
        let section = optional + 112;
        put_u32(&mut stub, section + 8, 0x1234);
        put_u32(&mut stub, section + 12, 0x1000);
        stub
    }

    #[test]
    fn sections_follow_in_memory_and_in_the_file() {
        let sections = [(*b".cmdline", b"quiet".to_vec()), (*b".linux\0\0", vec![7; 600])];
        let image = append(tiny_stub(512), &sections).unwrap();
        let layout = Layout::read(&image).unwrap();
        assert_eq!(layout.count, 3);
        let linux = layout.sections + 2 * SECTION_HEADER;
        assert_eq!(&image[linux..linux + 6], b".linux");
        assert_eq!(u32_at(&image, linux + 8), Some(600));
        assert_eq!(u32_at(&image, linux + 12), Some(0x4000));
        assert_eq!(u32_at(&image, linux + 16), Some(1024));
        assert_eq!(u32_at(&image, linux + 20), Some(1536));
        assert_eq!(u32_at(&image, layout.optional + 56), Some(0x5000));
        assert_eq!(&image[1024..1029], b"quiet");
        assert_eq!(image.len(), 1536 + 1024);
    }

    #[test]
    fn a_stub_without_room_for_headers_is_refused() {
        assert_eq!(append(tiny_stub(256), &[(*b".cmdline", vec![])]), None);
    }

    #[test]
    fn what_is_no_executable_is_refused() {
        assert_eq!(append(b"#!/bin/sh\n".to_vec(), &[]), None);
        assert_eq!(append(vec![], &[]), None);
    }
}

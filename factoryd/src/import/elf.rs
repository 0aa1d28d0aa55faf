//! What a program runs on, by the header of its file (the ELF specification, `e_machine`).

/// Answers the architecture in the words of a template, or what was found instead.
pub(super) fn architecture(header: &[u8]) -> Result<&'static str, String> {
    let [0x7f, b'E', b'L', b'F', class, order, ..] = header else {
        return Err("its programs are not ELF files".to_owned());
    };
    let Some(machine) = header.get(18..20) else {
        return Err("its programs are cut off".to_owned());
    };
    let little = *order == 1;
    let pair = [machine[0], machine[1]];
    let machine = if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) };
    match (machine, class, little) {
        (62, 2, true) => Ok("x86_64"),
        (3, 1, true) => Ok("i386"),
        (183, 2, true) => Ok("aarch64"),
        (40, 1, true) => Ok("armv7l"),
        (21, 2, true) => Ok("ppc64le"),
        (21, 2, false) => Ok("ppc64"),
        (22, 2, false) => Ok("s390x"),
        (243, ..) => Err("it is RISC-V, which templates have no word for".to_owned()),
        _ => Err(format!("its programs are for ELF machine {machine}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(class: u8, order: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut bytes = vec![0x7f, b'E', b'L', b'F', class, order, 1, 0];
        bytes.resize(18, 0);
        bytes.extend(machine);
        bytes
    }

    #[test]
    fn machines_have_their_words_in_templates() {
        for (class, order, machine, word) in [
            (2, 1, [62, 0], "x86_64"),
            (1, 1, [3, 0], "i386"),
            (2, 1, [183, 0], "aarch64"),
            (1, 1, [40, 0], "armv7l"),
            (2, 1, [21, 0], "ppc64le"),
            (2, 2, [0, 21], "ppc64"),
            (2, 2, [0, 22], "s390x"),
        ] {
            assert_eq!(architecture(&header(class, order, machine)), Ok(word));
        }
    }

    #[test]
    fn everything_else_is_said_as_it_is() {
        let risc = architecture(&header(2, 1, [243, 0])).unwrap_err();
        assert_eq!(risc, "it is RISC-V, which templates have no word for");
        assert_eq!(architecture(b"#!/bin/sh").unwrap_err(), "its programs are not ELF files");
        assert_eq!(architecture(b"\x7fELF\x02\x01\x01").unwrap_err(), "its programs are cut off");
        assert_eq!(
            architecture(&header(2, 1, [8, 0])).unwrap_err(),
            "its programs are for ELF machine 8"
        );
    }
}

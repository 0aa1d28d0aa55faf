//! Every form of Image Factory's command line.

use super::*;
use clap::CommandFactory;

fn read(line: &[&str]) -> Result<Arguments, clap::error::ErrorKind> {
    let words = ["imagefactory"].iter().chain(line);
    Arguments::try_parse_from(words).map_err(|error| error.kind())
}

#[test]
fn the_command_line_makes_sense_to_clap() {
    Arguments::command().debug_assert();
}

#[test]
fn verbs_take_what_they_took() {
    for line in [
        &["base_image", "t.tdl"][..],
        &[
            "base_image",
            "t.tdl",
            "--parameters",
            "p.json",
            "--parameter",
            "a",
            "b",
            "--parameter",
            "c",
            "-d",
        ],
        &["base_image", "t.tdl", "--file-parameter", "install_script", "ks.cfg"],
        &["target_image", "kvm", "--id", "0192"],
        &["target_image", "--template", "t.tdl", "kvm"],
        &["provider_image", "ec2", "@ec2-us-east-1", "cred.xml", "--id", "0192", "--snapshot"],
        &["provider_image", "ec2", "provider.json", "cred.xml", "--template", "t.tdl"],
        &["import_base_image", "disk.raw", "--parameter", "a", "b"],
        &["images", r#"{"type": "BaseImage"}"#],
        &["delete", "0192"],
        &[
            "delete",
            "0192",
            "--provider",
            "@p",
            "--credentials",
            "c",
            "--target",
            "t",
            "--parameter",
            "a",
            "b",
        ],
        &["plugins"],
        &["plugins", "--id", "EC2"],
    ] {
        assert!(read(line).is_ok(), "{line:?}: {:?}", read(line));
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    use clap::error::ErrorKind::*;
    for (line, kind) in [
        (&["target_image", "kvm"][..], MissingRequiredArgument),
        (&["target_image", "kvm", "--id", "1", "--template", "t"], ArgumentConflict),
        (&["provider_image", "ec2", "@p", "--id", "1"], MissingRequiredArgument),
        (&["base_image"], MissingRequiredArgument),
        (&["base_image", "t", "--parameter", "a"], WrongNumberOfValues),
        (&["--output", "xml", "plugins"], InvalidValue),
        (&["--verbose"], MissingSubcommand),
        (&["build", "t.tdl"], InvalidSubcommand),
    ] {
        assert_eq!(read(line).err(), Some(kind), "{line:?}");
    }
}

#[test]
fn options_stand_before_or_after_the_verb() {
    let all = [
        "--verbose",
        "--config",
        "c",
        "--imgdir",
        "/i",
        "--timeout",
        "9",
        "--tmpdir",
        "/t",
        "--plugins",
        "/p",
        "--ec2-32bit-util",
        "s",
        "--ec2-64bit-util",
        "l",
        "--debug",
        "--nodebug",
        "--output",
        "json",
        "--raw",
    ];
    for line in [[&all[..], &["plugins"]].concat(), [&["plugins"], &all[..]].concat()] {
        let options = read(&line).unwrap().options;
        assert_eq!((options.output, options.verbose, options.debug), (Output::Json, true, false));
        assert_eq!(
            options.warning().unwrap(),
            "warning: --imgdir, --timeout, --tmpdir, --ec2-32bit-util, --ec2-64bit-util mean nothing any more"
        );
    }
    let options = read(&["--debug", "plugins", "--timeout=60"]).unwrap().options;
    assert!(options.debug);
    assert_eq!(options.warning().unwrap(), "warning: --timeout means nothing any more");
    assert_eq!(read(&["plugins"]).unwrap().options.warning(), None);
}

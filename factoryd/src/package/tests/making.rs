//! What is made is what comes out again.

use super::*;

fn packed(plugin: &TempDir, compression: Compression) -> Vec<u8> {
    let gathered = gather(plugin.path(), &Selection::default(), &Limits::default()).unwrap();
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("x");
    pack(&gathered, None, compression, &path).unwrap();
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1, "and no temporary file");
    fs::read(path).unwrap()
}

#[test]
fn what_is_packed_is_unpacked_again_by_either_way() {
    let plugin = plugin();
    for compression in [Compression::Zstd, Compression::Gzip] {
        let archive = packed(&plugin, compression);
        let (into, unpacked) = unpacked(&archive, &Limits::default()).unwrap();
        let identity = &unpacked.sums.identity;
        assert_eq!(identity.to_string(), "x 1.2.3 (any)");
        assert_eq!(identity.archive_stem(), "x-1.2.3-any");
        let mut files = files(into.path());
        let text = files.remove(SUMS).unwrap();
        assert_eq!(text, unpacked.sums.text());
        assert_eq!(files, super::files(plugin.path()));
        let mode = |path| into.path().join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!([mode("factory-plugin-x"), mode("x.info")], [0o755, 0o644]);
        assert_eq!(packed(&plugin, compression), archive, "the same bytes each time");
    }
}

#[test]
fn what_tar_makes_and_sha256sum_lists_is_a_package_too() {
    let plugin = plugin();
    let script = "(echo '# factory-plugin 1 x 1.2.3 any'; sha256sum x.info factory-plugin-x LICENSE lib/deep/x.py) >SHA256SUMS && \
        tar --format=ustar -czf ../x.tar.gz SHA256SUMS x.info factory-plugin-x LICENSE lib && mv ../x.tar.gz . && sha256sum --quiet -c SHA256SUMS";
    let mut shell = std::process::Command::new("sh");
    assert!(shell.args(["-c", script]).current_dir(plugin.path()).status().unwrap().success());
    let archive = fs::read(plugin.path().join("x.tar.gz")).unwrap();
    let (into, _) = unpacked(&archive, &Limits::default()).unwrap();
    assert_eq!(files(into.path()).len(), 5);
}

#[test]
fn a_directory_is_copied_with_a_list_and_found_to_be_whole_until_something_changes() {
    let plugin = plugin();
    write(plugin.path(), ".git/config", "not for others", 0o644);
    let into = tempfile::tempdir().unwrap();
    let copied = copy(plugin.path(), into.path(), &Limits::default(), &anything).unwrap();
    let (sums, digest) = read_sums(into.path()).unwrap().unwrap();
    assert_eq!((&sums, &digest), (&copied.sums, &copied.digest));
    assert!(!files(into.path()).contains_key(".git/config"));
    let mut read = |path: &Path| Ok(super::super::sums::sha256(&fs::read(path)?));
    let mut look = || check(into.path(), &sums, &mut read).unwrap().map(|it| it.to_string());
    assert_eq!(look(), None);
    write(into.path(), "lib/deep/x.py", "import os\n", 0o644);
    assert_eq!(look().unwrap(), "lib/deep/x.py was changed after it was installed");
    write(into.path(), "lib/deep/x.py", "pass\n", 0o644);
    write(into.path(), "lib/deep/__pycache__/x.pyc", "", 0o644);
    assert!(look().unwrap().contains("x.pyc is there and was not installed"));
    fs::remove_dir_all(into.path().join("lib/deep/__pycache__")).unwrap();
    fs::remove_file(into.path().join("LICENSE")).unwrap();
    assert_eq!(look().unwrap(), "LICENSE is gone that was installed with it");
    std::os::unix::fs::symlink(plugin.path().join("LICENSE"), into.path().join("LICENSE")).unwrap();
    assert!(look().unwrap().contains("LICENSE is there and was not"), "a link is no file");
}

#[test]
fn a_selection_takes_a_program_from_elsewhere_and_leaves_sources_behind() {
    let plugin = plugin();
    write(plugin.path(), "src/main.rs", "fn main() {}", 0o644);
    fs::rename(plugin.path().join("factory-plugin-x"), plugin.path().join("built")).unwrap();
    let selection = Selection {
        executable: Some("/proc/self/exe".into()),
        include: vec!["lib".into()],
        platform: None,
    };
    let refused = gather(plugin.path(), &selection, &Limits::default()).unwrap_err();
    assert!(refused.to_string().contains("it is a link"), "{refused}");
    let executable = std::env::current_exe().unwrap();
    let selection = Selection { executable: Some(executable), ..selection };
    let sums = gather(plugin.path(), &selection, &Limits::default()).unwrap().sums;
    assert_eq!(
        sums.files.keys().collect::<Vec<_>>(),
        ["LICENSE", "factory-plugin-x", "lib/deep/x.py", "x.info"]
    );
    assert_eq!(sums.identity.platform, Platform::here());
}

#[test]
fn what_makes_no_package_is_refused_with_the_reason() {
    let fails = |path: &str, text: &str, mode, why: &str| {
        let plugin = plugin();
        write(plugin.path(), path, text, mode);
        let error = gather(plugin.path(), &Selection::default(), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    };
    fails("y.info", INFO, 0o644, "has 2 .info files");
    fails("x.info", r#"{"type": "os", "targets": []}"#, 0o644, "key `version` is missing");
    fails("x.info", &INFO.replace("1.2.3", "1.2"), 0o644, "no semantic version");
    let below = INFO.replace("\"type\"", "\"executable\": \"bin/x\", \"type\"");
    fails("x.info", &below, 0o644, "must be beside this file");
    fails("factory-plugin-x", SCRIPT, 0o644, "no executable");
    let plugin = plugin();
    std::os::unix::fs::symlink("/etc/passwd", plugin.path().join("passwd")).unwrap();
    let small = Limits { unpacked: 10, ..Limits::default() };
    for limits in [Limits::default(), small, Limits { files: 1, ..Limits::default() }] {
        assert!(gather(plugin.path(), &Selection::default(), &limits).is_err());
    }
}

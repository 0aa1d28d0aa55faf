//! The original's keys that have no meaning any more: why, and what to do instead.

/// Every such key.
const GONE: &[(&str, &str)] = &[
    ("foreground", "the daemon always stays in the foreground: a service manager starts it"),
    ("secondary", "there are no secondary factories: give each machine a daemon of its own"),
    ("imgdir", "images grow inside the store: put `store` where there is room"),
    ("tmpdir", "set TMPDIR in the environment of the service; plugins get it"),
    ("timeout", "a build takes as long as it takes, and can be cancelled: `factory cancel`"),
    ("output", "it is an option of each command: `--json`"),
    ("raw", "output is never coloured when it is not a terminal's"),
    ("image_manager", "there is one kind of store: `store` says where"),
    ("jeos_config", "no plugin starts from JEOS images: a base image is built from its template"),
    ("ec2_ami_type", "it is a matter of the build: give the plugin a parameter, `--parameter`"),
    ("ec2_image_format", "it is a matter of the build: give the plugin a parameter, `--parameter`"),
    ("ec2-32bit-util", "no plugin needs an instance to convert images"),
    ("ec2-64bit-util", "no plugin needs an instance to convert images"),
    ("ec2_32bit_util", "no plugin needs an instance to convert images"),
    ("ec2_64bit_util", "no plugin needs an instance to convert images"),
    (
        "rhevm_image_format",
        "it is a matter of the build: give the plugin a parameter, `--parameter`",
    ),
    (
        "openstack_image_format",
        "it is a matter of the build: give the plugin a parameter, `--parameter`",
    ),
    ("oz_data_dir", "Oz is not used: there is nothing of it to keep"),
    ("oz_screenshot_dir", "Oz is not used: a failed build tells why in its log, `factory log`"),
    ("max_concurrent_ec2_sessions", "`[jobs] concurrent_builds` bounds builds of all kinds"),
    ("proxy_ami_id", "it was never used"),
];

/// Answers what to do instead of a key, if it has no meaning any more.
pub(super) fn instead_of(key: &str) -> Option<&'static str> {
    GONE.iter().find(|(gone, _)| *gone == key).map(|(_, instead)| *instead)
}

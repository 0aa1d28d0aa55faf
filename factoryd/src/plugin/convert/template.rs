//! The template of a request.

use super::secret;
use crate::delegate::Error;
use crate::domain::{
    Checksum, Command, Content, Extra, Failure, Fault, File, Install, InstallSource,
    OperatingSystem, Package, Repository, Template,
};
use factory_proto::plugin_v1 as proto;

/// Makes a template. Its content must be fetched by then.
pub(in crate::plugin) fn template(template: &Template) -> Result<proto::Template, Error> {
    Ok(proto::Template {
        name: template.name.clone(),
        description: template.description.clone().unwrap_or_default(),
        os: Some(operating_system(&template.os)),
        packages: template.packages.iter().map(package).collect(),
        repositories: template.repositories.iter().map(repository).collect(),
        files: template.files.iter().map(file).collect::<Result<_, _>>()?,
        commands: commands(&template.commands, "commands")?,
        precommands: commands(&template.precommands, "precommands")?,
        disk_size_bytes: template.disk_size_bytes.map_or_else(String::new, |size| size.to_string()),
        xml: template.xml.clone(),
    })
}

fn operating_system(os: &OperatingSystem) -> proto::OperatingSystem {
    proto::OperatingSystem {
        name: os.name.clone(),
        version: os.version.clone(),
        arch: os.arch.clone(),
        install: Some(install(&os.install)),
        root_password: os.root_password.as_ref().map(secret),
        product_key: os.product_key.as_ref().map(secret),
        kernel_parameters: os.kernel_parameters.clone().unwrap_or_default(),
        icicle_extra_command: os.icicle_extra_command.clone().unwrap_or_default(),
    }
}

fn install(install: &Install) -> proto::Install {
    let source = match &install.source {
        InstallSource::Url(url) => proto::install::Source::Url(url.clone()),
        InstallSource::Iso(url) => proto::install::Source::Iso(url.clone()),
    };
    proto::Install {
        source: Some(source),
        checksum: install.checksum.as_ref().map(checksum),
        extras: install.extras.iter().map(extra).collect(),
    }
}

fn checksum(checksum: &Checksum) -> proto::Checksum {
    proto::Checksum { algorithm: checksum.algorithm.to_owned(), url: checksum.url.clone() }
}

fn extra(extra: &Extra) -> proto::Extra {
    proto::Extra {
        directory: extra.directory,
        source: extra.source.clone(),
        destination: extra.destination.clone(),
    }
}

fn package(package: &Package) -> proto::Package {
    proto::Package {
        name: package.name.clone(),
        repository: package.repository.clone().unwrap_or_default(),
        file: package.file.clone().unwrap_or_default(),
        arguments: package.arguments.clone().unwrap_or_default(),
    }
}

fn repository(repository: &Repository) -> proto::Repository {
    proto::Repository {
        name: repository.name.clone(),
        url: repository.url.clone(),
        signed: repository.signed,
        persisted: repository.persisted,
        ssl_verify: repository.ssl_verify,
    }
}

fn file(file: &File) -> Result<proto::File, Error> {
    let content = bytes(&file.content, || format!("template/files/file[@name=\"{}\"]", file.name))?;
    Ok(proto::File { name: file.name.clone(), content })
}

fn commands(commands: &[Command], element: &str) -> Result<Vec<proto::Command>, Error> {
    let convert = |command: &Command| {
        let path = || format!("template/{element}/command[@name=\"{}\"]", command.name);
        let content = bytes(&command.content, path)?;
        Ok(proto::Command { name: command.name.clone(), content })
    };
    commands.iter().map(convert).collect()
}

fn bytes(content: &Content, path: impl FnOnce() -> String) -> Result<Vec<u8>, Error> {
    match content {
        Content::Bytes(bytes) => Ok(bytes.clone()),
        Content::Url(url) => {
            let message = format!("the content at {url} was not fetched before the build");
            Err(Failure::new(Fault::Factory, "CONTENT_NOT_FETCHED", message).path(path()).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;

    fn debian() -> Template {
        Template {
            name: "web".into(),
            description: None,
            os: OperatingSystem {
                name: "Debian".into(),
                version: "12".into(),
                arch: "x86_64".into(),
                install: Install {
                    source: InstallSource::Url("apt:host".into()),
                    checksum: None,
                    extras: Vec::new(),
                },
                root_password: Some(Secret::new("hunter2")),
                product_key: None,
                kernel_parameters: None,
                icicle_extra_command: None,
            },
            packages: Vec::new(),
            repositories: Vec::new(),
            files: Vec::new(),
            commands: Vec::new(),
            precommands: Vec::new(),
            disk_size_bytes: Some(1 << 70),
            xml: "<template/>".into(),
        }
    }

    #[test]
    fn a_template_keeps_what_it_says_and_hides_its_secrets() {
        let sent = template(&debian()).unwrap();
        assert_eq!(sent.disk_size_bytes, "1180591620717411303424");
        let os = sent.os.as_ref().unwrap();
        assert_eq!(os.root_password.as_ref().unwrap().value, "hunter2");
        assert_eq!(os.product_key, None, "absent is not empty");
        assert!(!format!("{sent:?}").contains("hunter2"));
    }

    #[test]
    fn content_that_was_not_fetched_is_an_error_that_says_where() {
        let mut unfetched = debian();
        let content = Content::Url("https://example.org/motd".into());
        unfetched.files.push(File { name: "/etc/motd".into(), content });
        let Err(Error::Failed(failure)) = template(&unfetched) else { panic!("it was sent") };
        assert_eq!(failure.path, "template/files/file[@name=\"/etc/motd\"]");
        assert_eq!(failure.fault, Fault::Factory);
    }
}

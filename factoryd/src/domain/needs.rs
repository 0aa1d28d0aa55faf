//! What a plugin says that it needs from its machine.

/// What a plugin says that it needs from its machine. What it does not name it does not get. The default is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Device nodes, such as `/dev/kvm`.
    pub devices: Vec<String>,
    /// How far it reaches.
    pub network: Network,
    /// Where to, if that is [`Network::Hosts`].
    pub hosts: Vec<String>,
    /// Paths that it reads outside its own directories.
    pub read_paths: Vec<String>,
    /// Paths that it writes outside its own directories.
    pub write_paths: Vec<String>,
    /// Whether it makes namespaces, and mounts in them.
    pub user_namespaces: bool,
    /// Programs that it runs, by name.
    pub tools: Vec<String>,
    /// Whether it is given credentials.
    pub credentials: bool,
}

/// How far a plugin reaches over the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Network {
    /// Nowhere.
    #[default]
    None,
    /// This machine.
    Loopback,
    /// Some hosts.
    Hosts,
    /// Anywhere.
    Any,
}

impl Network {
    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Loopback => "loopback",
            Self::Hosts => "hosts",
            Self::Any => "any",
        }
    }
}

impl Needs {
    /// Says them, one need a line: `network any`, `reads /etc/apt`.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut list = |what: &str, values: &[String]| {
            lines.extend(values.iter().map(|value| format!("{what} {value}")));
        };
        list("network", &[self.network.as_str().to_owned()]);
        list("connects to", &self.hosts);
        list("device", &self.devices);
        list("reads", &self.read_paths);
        list("writes", &self.write_paths);
        list("runs", &self.tools);
        if self.user_namespaces {
            lines.push("makes namespaces and mounts".to_owned());
        }
        if self.credentials {
            lines.push("is given credentials".to_owned());
        }
        lines
    }

    /// Says what is different from `before`: `+ network any`, `- network none`.
    pub fn changes(&self, before: &Self) -> Vec<String> {
        let (old, new) = (before.lines(), self.lines());
        let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}"));
        let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}"));
        gone.chain(come).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_said_line_by_line() {
        let before = Needs { tools: vec!["cp".into()], ..Needs::default() };
        let now = Needs {
            network: Network::Any,
            tools: vec!["cp".into(), "tar".into()],
            credentials: true,
            ..Needs::default()
        };
        let changes = now.changes(&before);
        let expected = ["- network none", "+ network any", "+ runs tar", "+ is given credentials"];
        assert_eq!(changes, expected);
        assert!(now.changes(&now).is_empty());
    }
}

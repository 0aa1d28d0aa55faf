//! Which secrets are in use, and what hides them.

use super::Redactor;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// How many secrets that are not in use any more are still hidden: who was given one may speak of it late.
const REMEMBERED_MAX: usize = 64;

/// The secrets that this process works with, for its own log.
static IN_PROCESS: LazyLock<Arc<Vault>> = LazyLock::new(Arc::default);

/// The secrets in use by some part of a factory, such as one plugin's process.
#[derive(Default)]
pub struct Vault(Mutex<State>);

#[derive(Default)]
struct State {
    /// Those that were in use longest ago first.
    secrets: Vec<Known>,
    /// What hides them; nothing if it has to be made anew.
    redactor: Option<Redactor>,
}

struct Known {
    secret: Zeroizing<String>,
    users: usize,
}

/// Secrets in use, until this is dropped.
#[must_use]
pub struct InUse {
    vault: Arc<Vault>,
    secrets: Vec<Zeroizing<String>>,
}

impl Vault {
    /// Answers the vault of all secrets that this process works with.
    pub fn of_process() -> Arc<Self> {
        Arc::clone(&IN_PROCESS)
    }

    /// Hides these secrets from now on, in any case until what is answered is dropped.
    pub fn hide(self: &Arc<Self>, secrets: Vec<Zeroizing<String>>) -> InUse {
        let mut state = self.state();
        for secret in &secrets {
            let at = state.secrets.iter().position(|known| known.secret == *secret);
            let known = match at {
                Some(at) => state.secrets.remove(at),
                None => {
                    state.redactor = None;
                    Known { secret: secret.clone(), users: 0 }
                }
            };
            state.secrets.push(Known { users: known.users + 1, ..known });
        }
        drop(state);
        InUse { vault: Arc::clone(self), secrets }
    }

    /// Answers what hides the secrets that are in use, and those that last were.
    pub fn redactor(&self) -> Redactor {
        let mut state = self.state();
        let State { secrets, redactor } = &mut *state;
        let make = || Redactor::new(secrets.iter().map(|known| known.secret.as_str()));
        redactor.get_or_insert_with(make).clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self, secrets: &[Zeroizing<String>]) {
        let mut state = self.state();
        for known in state.secrets.iter_mut().filter(|known| secrets.contains(&known.secret)) {
            known.users = known.users.saturating_sub(1);
        }
        let idle = state.secrets.iter().filter(|known| known.users == 0).count();
        let mut forgotten = idle.saturating_sub(REMEMBERED_MAX);
        if 0 < forgotten {
            state.secrets.retain(|known| {
                let goes = known.users == 0 && 0 < forgotten;
                forgotten -= usize::from(goes);
                !goes
            });
            state.redactor = None;
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.vault.release(&self.secrets);
    }
}

/// Writes text with the secrets of this process hidden. Each write is a text of its own, as a line of a log is.
#[derive(Debug)]
pub struct Hiding<W>(pub W);

impl<W: Write> Write for Hiding<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let redactor = IN_PROCESS.redactor();
        if redactor.is_empty() {
            self.0.write_all(text)?;
        } else {
            self.0.write_all(redactor.text(&String::from_utf8_lossy(text)).as_bytes())?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(values: &[&str]) -> Vec<Zeroizing<String>> {
        values.iter().map(|value| Zeroizing::new((*value).to_owned())).collect()
    }

    fn vault() -> Arc<Vault> {
        Arc::default()
    }

    #[test]
    fn a_secret_is_hidden_while_it_is_used_and_some_time_after() {
        let vault = vault();
        let first = vault.hide(secrets(&["hunter2"]));
        let again = vault.hide(secrets(&["hunter2", "hunter3"]));
        drop(first);
        assert_eq!(vault.redactor().text("hunter2 hunter3"), "*** ***");
        drop(again);
        assert_eq!(vault.redactor().text("hunter2 hunter3"), "*** ***");
    }

    #[test]
    fn what_is_in_use_is_never_forgotten_and_what_is_not_at_last() {
        let vault = vault();
        let used = vault.hide(secrets(&["in-use-for-long"]));
        drop(vault.hide(secrets(&["used-long-ago"])));
        for number in 0..REMEMBERED_MAX {
            drop(vault.hide(secrets(&[&format!("secret-{number:04}")])));
        }
        let text = vault.redactor().text("in-use-for-long used-long-ago secret-0001").into_owned();
        assert_eq!(text, "*** used-long-ago ***");
        drop(used);
    }

    #[test]
    fn what_is_written_has_no_secrets() {
        let _in_use = Vault::of_process().hide(secrets(&["written-to-a-log"]));
        let mut log = Vec::new();
        writeln!(Hiding(&mut log), "this is written-to-a-log here").unwrap();
        assert_eq!(String::from_utf8(log).unwrap(), "this is *** here\n");
    }
}

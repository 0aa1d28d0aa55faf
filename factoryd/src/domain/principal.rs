//! Who calls, and what they may do.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

/// What a caller may do. Each role may do all that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Look at images, their files and their events.
    Viewer,
    /// Create, cancel and delete images.
    Builder,
    /// Decide who else may call.
    Admin,
}

/// How a caller was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// Not at all: whoever calls from this machine may.
    Anonymous,
    /// By a bearer token.
    Token,
    /// By an OAuth signature.
    OAuth,
    /// By the certificate of its connection.
    Certificate,
}

/// A caller who is known, one way or another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// How it was known.
    pub how: How,
}

/// What is known of a token: all but the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id, which is a part of the token.
    pub id: String,
    /// Whose it is, or what it is for.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// When it was made.
    pub created: SystemTime,
    /// When it ends, if it does.
    pub expires: Option<SystemTime>,
    /// When it was last used, give or take minutes.
    pub last_used: Option<SystemTime>,
}

impl Token {
    /// Tells whether it has ended at a time.
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// Text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role: use viewer, builder or admin")]
pub struct InvalidRole(String);

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Builder, Self::Admin];

    /// Answers the role's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Builder => "builder",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        let role = Self::ALL.into_iter().find(|role| role.as_str() == text);
        role.ok_or_else(|| InvalidRole(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_more_than_the_one_before() {
        assert!(Role::Viewer < Role::Builder && Role::Builder < Role::Admin);
    }

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        let error = "Admin".parse::<Role>().unwrap_err();
        assert_eq!(error.to_string(), "`Admin` is not a role: use viewer, builder or admin");
    }
}

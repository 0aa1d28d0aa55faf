//! `token`: who may call a daemon.

use super::display::{print, say};
use super::error::Error;
use super::exit::Exit;
use super::json;
use super::lines::to_the_second;
use super::session::Session;
use super::table::table;
use super::words::printable;
use clap::{Args, Subcommand, ValueEnum};
use factory_proto::factory_v1 as v1;
use prost_types::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// Decide who may call a daemon.
#[derive(Debug, Subcommand)]
pub(super) enum TokenVerb {
    /// Make a token, and print it: this is the only time that it is shown.
    #[command(after_help = "\
Examples:
  factory token create ci --role builder --expires 30d > ci.token
  factory --server https://factory.example.org:8076 --token-file ci.token images

The daemon takes it as `Authorization: Bearer TOKEN`. Keep it where only its user can read it.")]
    Create(CreateArguments),
    /// List the tokens, oldest first.
    List(ListArguments),
    /// End a token at once.
    Revoke(RevokeArguments),
}

/// A token to be.
#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// Whose it is, or what it is for.
    name: String,
    /// What its bearer may do: look at images (viewer), create and delete them too (builder), make tokens too (admin).
    #[arg(long)]
    role: RoleWord,
    /// How long it lasts, such as `12h` or `30d`. Default: until it is revoked.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    expires: Option<Duration>,
    /// Print JSON: what is known of the token, and the token as `token`.
    #[arg(long)]
    json: bool,
}

/// How to list tokens.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Print a JSON array of factory.v1.Token.
    #[arg(long)]
    json: bool,
}

/// A token to end.
#[derive(Debug, Args)]
pub(super) struct RevokeArguments {
    /// Its id, which is its second part, between the underscores.
    id: String,
    /// Print the factory.v1.Token that was revoked as JSON.
    #[arg(long)]
    json: bool,
}

/// `--role`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleWord {
    Viewer,
    Builder,
    Admin,
}

/// Does what was typed.
pub(super) async fn run(session: &Session, verb: &TokenVerb) -> Result<Exit, Error> {
    match verb {
        TokenVerb::Create(arguments) => create(session, arguments).await?,
        TokenVerb::List(arguments) => list(session, arguments).await?,
        TokenVerb::Revoke(arguments) => revoke(session, arguments).await?,
    }
    Ok(Exit::Done)
}

async fn create(session: &Session, arguments: &CreateArguments) -> Result<(), Error> {
    let role = match arguments.role {
        RoleWord::Viewer => v1::Role::Viewer,
        RoleWord::Builder => v1::Role::Builder,
        RoleWord::Admin => v1::Role::Admin,
    };
    let lifetime = arguments.expires.map(prost_types::Duration::try_from).transpose();
    let lifetime = lifetime.map_err(|_| Error::Usage("--expires is too long".to_owned()))?;
    let name = arguments.name.clone();
    let request = v1::CreateTokenRequest { name, role: role.into(), lifetime };
    let made = session.tokens().create_token(request).await?.into_inner();
    let token = made.token.unwrap_or_default();
    if arguments.json {
        let mut object = json::token(&token);
        object["token"] = Value::from(made.secret);
        return print(&format!("{object:#}\n"));
    }
    print(&format!("{}\n", made.secret))?;
    say(&format!("a token for a {}; it is not shown again", json::role(token.role())));
    Ok(())
}

async fn list(session: &Session, arguments: &ListArguments) -> Result<(), Error> {
    let request = v1::ListTokensRequest {};
    let tokens = session.tokens().list_tokens(request).await?.into_inner().tokens;
    if arguments.json {
        let array: Value = tokens.iter().map(json::token).collect();
        return print(&format!("{array:#}\n"));
    }
    let rows: Vec<_> = tokens.iter().map(row).collect();
    print(&table(["ID", "NAME", "ROLE", "CREATED", "EXPIRES", "LAST USED"], &rows))
}

async fn revoke(session: &Session, arguments: &RevokeArguments) -> Result<(), Error> {
    let request = v1::RevokeTokenRequest { id: arguments.id.clone() };
    let token = session.tokens().revoke_token(request).await?.into_inner();
    if arguments.json {
        return print(&format!("{:#}\n", json::token(&token)));
    }
    print(&format!("{} ({}) is revoked\n", token.id, printable(&token.name)))
}

fn row(token: &v1::Token) -> [String; 6] {
    let time = |time: Option<&Timestamp>| time.map_or("never".to_owned(), to_the_second);
    [
        token.id.clone(),
        printable(&token.name),
        json::role(token.role()),
        time(token.created.as_ref()),
        time(token.expires.as_ref()),
        time(token.last_used.as_ref()),
    ]
}

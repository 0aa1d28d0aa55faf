//! What an address names, and what can be done there.

use super::problem::Problem;
use crate::domain::Kind;
use axum::http::Method;
use percent_encoding::percent_decode_str;

/// What an address below `/imagefactory` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// The API itself.
    Root,
    /// The description of the API.
    OpenApi,
    /// The same for people.
    Docs,
    /// A collection; `parents` are the ids of a base image, or of a base and a target image, or of a target image.
    Images { kind: Kind, parents: Vec<String> },
    /// An image; no kind if the collection has an unknown name, which does not matter to a deletion.
    Image { kind: Option<Kind>, id: String },
    /// The file of an image of any kind.
    RawImage { id: String },
    /// What happened to an image.
    Events { kind: Kind, id: String },
    /// Where an image is cancelled.
    Cancel { kind: Kind, id: String },
    /// All plugins.
    Plugins,
    /// One plugin.
    Plugin { name: String },
    /// Ready-made images to start from: there are none.
    Jeos,
    /// What Image Factory planned and never did.
    NotImplemented,
}

/// Image Factory's words for a kind of image.
pub(super) struct Word {
    pub(super) kind: Kind,
    pub(super) collection: &'static str,
    /// The key of one.
    pub(super) key: &'static str,
    pub(super) type_name: &'static str,
}

const WORDS: [Word; 3] = [
    Word { kind: Kind::Base, collection: "base_images", key: "base_image", type_name: "BaseImage" },
    Word {
        kind: Kind::Target,
        collection: "target_images",
        key: "target_image",
        type_name: "TargetImage",
    },
    Word {
        kind: Kind::Provider,
        collection: "provider_images",
        key: "provider_image",
        type_name: "ProviderImage",
    },
];

/// Answers the words for a kind.
pub(super) fn word(kind: Kind) -> &'static Word {
    match kind {
        Kind::Base => &WORDS[0],
        Kind::Target => &WORDS[1],
        Kind::Provider => &WORDS[2],
    }
}

fn collection(name: &str) -> Option<Kind> {
    WORDS.iter().find(|word| word.collection == name).map(|word| word.kind)
}

impl Address {
    /// Reads a path.
    pub(super) fn parse(path: &str) -> Result<Self, Problem> {
        let decoded = path.split('/').map(|segment| percent_decode_str(segment).decode_utf8());
        let segments = decoded
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Problem::malformed("the path is not UTF-8"))?;
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let ["", "imagefactory", below @ ..] = segments.as_slice() else {
            return Err(Problem::no_such_address(path));
        };
        resolve(below).ok_or_else(|| match below {
            [name] if !name.is_empty() => Problem::unknown_collection(name),
            _ => Problem::no_such_address(path),
        })
    }

    /// Refuses a method that the address does not have.
    pub(super) fn require(&self, method: &Method) -> Result<(), Problem> {
        let allowed = self.methods();
        if allowed.contains(method) { Ok(()) } else { Err(Problem::method(method, allowed)) }
    }

    fn methods(&self) -> &'static [Method] {
        const GET: &[Method] = &[Method::GET, Method::HEAD];
        const POST: &[Method] = &[Method::POST];
        const LIST: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
        const ONE: &[Method] = &[Method::GET, Method::HEAD, Method::DELETE];
        match self {
            Self::Images { parents, .. } if parents.len() == 2 => POST,
            Self::Images { .. } => LIST,
            Self::Image { .. } => ONE,
            Self::Cancel { .. } => POST,
            _ => GET,
        }
    }
}

fn resolve(below: &[&str]) -> Option<Address> {
    Some(match below {
        [] => Address::Root,
        ["openapi.json"] => Address::OpenApi,
        ["docs"] => Address::Docs,
        ["plugins"] | ["plugins", ""] => Address::Plugins,
        ["plugins", name] => Address::Plugin { name: (*name).to_owned() },
        ["jeos"] | ["jeos", "images"] => Address::Jeos,
        ["jeos", "images", _, ..] => Address::NotImplemented,
        ["targets"] | ["targets", _, "providers"] | ["targets", _, "providers", _] => {
            Address::NotImplemented
        }
        _ => return images(below),
    })
}

/// Reads an address of images: below other images, or not. Which others does not matter for one that has an id itself.
fn images(below: &[&str]) -> Option<Address> {
    let (parents, own) = match below {
        ["base_images", base, "target_images", target, own @ ..] if is_collection(own) => {
            (vec![*base, *target], own)
        }
        ["base_images", parent, own @ ..] | ["target_images", parent, own @ ..]
            if is_collection(own) =>
        {
            (vec![*parent], own)
        }
        own => (Vec::new(), own),
    };
    if let [name] = own {
        return images_below(below[0], collection(name)?, &parents);
    }
    let [name, id, rest @ ..] = own else { return None };
    image(collection(name), id, rest)
}

fn is_collection(own: &[&str]) -> bool {
    own.first().is_some_and(|name| collection(name).is_some())
}

/// Only what is made from an image is a collection below it.
fn images_below(first: &str, kind: Kind, parents: &[&str]) -> Option<Address> {
    let fits = match (first, parents.len()) {
        (_, 0) => true,
        ("base_images", 1) => kind == Kind::Target,
        ("target_images", 1) | ("base_images", 2) => kind == Kind::Provider,
        _ => false,
    };
    let parents = parents.iter().map(|id| (*id).to_owned()).collect();
    fits.then_some(Address::Images { kind, parents })
}

fn image(kind: Option<Kind>, id: &str, rest: &[&str]) -> Option<Address> {
    let id = id.to_owned();
    match (rest, kind) {
        ([], kind) if !id.is_empty() => Some(Address::Image { kind, id }),
        (["raw_image"], Some(_)) => Some(Address::RawImage { id }),
        (["events"], Some(kind)) => Some(Address::Events { kind, id }),
        (["cancel"], Some(kind)) => Some(Address::Cancel { kind, id }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Option<Address> {
        Address::parse(&format!("/imagefactory{path}")).ok()
    }

    fn image(kind: Kind) -> Option<Address> {
        Some(Address::Image { kind: Some(kind), id: "x".into() })
    }

    #[test]
    fn an_image_is_found_below_any_of_its_ancestors() {
        for path in ["/target_images/x", "/base_images/b/target_images/x"] {
            assert_eq!(parse(path), image(Kind::Target), "{path}");
        }
        for above in ["", "/base_images/b/target_images/t", "/target_images/t", "/base_images/b"] {
            let path = format!("{above}/provider_images/x");
            assert_eq!(parse(&path), image(Kind::Provider), "{path}");
            let file = parse(&format!("{path}/raw_image"));
            assert_eq!(file, Some(Address::RawImage { id: "x".into() }));
        }
    }

    #[test]
    fn a_collection_below_an_image_is_of_what_is_made_from_it() {
        let images = |kind, parents: &[&str]| {
            let parents = parents.iter().map(|id| (*id).to_owned()).collect();
            Some(Address::Images { kind, parents })
        };
        assert_eq!(parse("/base_images/b/target_images"), images(Kind::Target, &["b"]));
        assert_eq!(parse("/target_images/t/provider_images"), images(Kind::Provider, &["t"]));
        let deep = parse("/base_images/b/target_images/t/provider_images");
        assert_eq!(deep, images(Kind::Provider, &["b", "t"]));
        for path in ["/base_images/b/provider_images", "/target_images/t/base_images", "/", "//"] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    #[test]
    fn an_unknown_collection_has_images_only_to_delete() {
        let address = parse("/foo/x").unwrap();
        assert_eq!(address, Address::Image { kind: None, id: "x".into() });
        assert_eq!(parse("/foo"), None);
        assert_eq!(parse("/foo/x/raw_image"), None);
    }
}

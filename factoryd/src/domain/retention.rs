//! Which images are not worth keeping. Pure: it looks at a list of images, and says which go.
//!
//! An image goes if a rule names it and nothing keeps it. It is kept if it is being worked on; if something that stays was made
//! from it, or is being made; or if it has the tag `keep`. Of provider images none goes: they are in somebody's account, and to
//! delete them there takes credentials.

use crate::domain::{Image, ImageId, Kind, Status};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// The tag of images that no rule takes.
pub const KEEP: &str = "keep";

/// What is kept, and which images are looked at. Without `keep_last` and `older_than` nothing goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetentionRule {
    /// Keep so many complete images of each name, kind and target: the last ones.
    pub keep_last: Option<usize>,
    /// Take only what was made longer ago than this.
    pub older_than: Option<Duration>,
    /// Only images with this name, in which `*` stands for any text; `None`: any.
    pub name: Option<String>,
    /// Only images whose parameter or property `tags` has this; `None`: any.
    pub tag: Option<String>,
}

/// An image that goes, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Pruned {
    /// The image.
    pub image: Image,
    /// A lower-case fragment.
    pub why: String,
}

impl RetentionRule {
    /// Tells whether nothing can ever go.
    pub fn is_empty(&self) -> bool {
        self.keep_last.is_none() && self.older_than.is_none()
    }

    /// Answers which of all images go, children before their parents.
    pub fn select(&self, images: &[Image], now: SystemTime) -> Vec<Pruned> {
        if self.is_empty() {
            return Vec::new();
        }
        let last = self.last_ones(images);
        let mut going: BTreeMap<&ImageId, String> = BTreeMap::new();
        for image in images {
            if let Some(why) = self.why(image, &last, now) {
                going.insert(&image.id, why);
            }
        }
        spare_parents(images, &mut going);
        // Children are made after their parents.
        let chosen = images.iter().rev().filter_map(|image| {
            let why = going.get(&image.id)?.clone();
            Some(Pruned { image: image.clone(), why })
        });
        let mut chosen: Vec<Pruned> = chosen.collect();
        chosen.sort_by_key(|pruned| std::cmp::Reverse(pruned.image.kind as u8));
        chosen
    }

    /// Answers the complete images that `keep_last` keeps.
    fn last_ones<'a>(&self, images: &'a [Image]) -> BTreeSet<&'a ImageId> {
        let mut groups: BTreeMap<_, Vec<&Image>> = BTreeMap::new();
        for image in images.iter().filter(|image| image.status == Status::Complete) {
            let group = (&image.name, image.kind.as_str(), &image.target);
            groups.entry(group).or_default().push(image);
        }
        let mut last = BTreeSet::new();
        for group in groups.values_mut() {
            group.sort_by_key(|image| std::cmp::Reverse(image.created));
            last.extend(group.iter().take(self.keep_last.unwrap_or(0)).map(|image| &image.id));
        }
        last
    }

    /// Says why an image goes by itself; `None` if it stays.
    fn why(&self, image: &Image, last: &BTreeSet<&ImageId>, now: SystemTime) -> Option<String> {
        let can_go =
            matches!(image.status, Status::Complete | Status::Failed | Status::DeleteFailed);
        let named = self.name.as_ref().is_none_or(|pattern| matches(pattern, &image.name));
        let tagged = self.tag.as_ref().is_none_or(|tag| has_tag(image, tag));
        let kept = image.kind == Kind::Provider || has_tag(image, KEEP) || last.contains(&image.id);
        if !can_go || !named || !tagged || kept {
            return None;
        }
        let mut why = Vec::new();
        if let Some(age) = self.older_than {
            if now.duration_since(image.created).unwrap_or_default() < age {
                return None;
            }
            why.push(format!("it is older than {}", humantime::format_duration(age)));
        }
        if let Some(count) = self.keep_last {
            why.push(match image.status {
                Status::Complete => format!("there are {count} later ones"),
                status => format!("it is {status}"),
            });
        }
        Some(why.join(", and "))
    }
}

/// Lets everything stay from which something was made that stays.
fn spare_parents(images: &[Image], going: &mut BTreeMap<&ImageId, String>) {
    loop {
        let stays =
            |image: &&Image| image.status != Status::Deleted && !going.contains_key(&image.id);
        let needed: BTreeSet<&ImageId> =
            images.iter().filter(stays).filter_map(|image| image.parent.as_ref()).collect();
        let before = going.len();
        going.retain(|id, _| !needed.contains(id));
        if going.len() == before {
            return;
        }
    }
}

/// Tells whether an image has a tag: in its parameter or property `tags`, an array or words with commas.
fn has_tag(image: &Image, tag: &str) -> bool {
    let has = |value: &Value| match value {
        Value::Array(tags) => tags.iter().any(|one| one == tag),
        Value::String(tags) => tags.split(',').any(|one| one.trim() == tag),
        _ => false,
    };
    [&image.parameters, &image.properties].iter().any(|all| all.0.get("tags").is_some_and(has))
}

/// Tells whether a text is like a pattern, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        match text.split_once(part) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::UNIX_EPOCH;

    fn at(days: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(days * 86_400)
    }

    fn id(number: u32) -> ImageId {
        ImageId::parse(&format!("0192f3a4-5b6c-7d8e-9f01-{number:012}")).unwrap()
    }

    fn base(number: u32, day: u64) -> Image {
        let status = Status::Complete;
        Image { status, name: "web".into(), ..Image::asked_for(id(number), Kind::Base, at(day)) }
    }

    fn target(number: u32, day: u64, parent: u32) -> Image {
        let kind = Kind::Target;
        Image { kind, parent: Some(id(parent)), target: Some("kvm".into()), ..base(number, day) }
    }

    fn keep(count: usize) -> RetentionRule {
        RetentionRule { keep_last: Some(count), ..RetentionRule::default() }
    }

    fn going(rule: &RetentionRule, images: &[Image]) -> Vec<String> {
        let chosen = rule.select(images, at(100)).into_iter();
        chosen
            .map(|one| {
                one.image
                    .id
                    .as_str()
                    .trim_start_matches("0192f3a4-5b6c-7d8e-9f01-")
                    .trim_start_matches('0')
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn without_a_rule_nothing_goes() {
        let named = RetentionRule { name: Some("*".into()), ..RetentionRule::default() };
        assert_eq!(going(&named, &[base(1, 1), base(2, 2)]), [""; 0]);
    }

    #[test]
    fn the_last_complete_ones_of_each_kind_and_name_stay() {
        let other = Image { name: "db".into(), ..base(4, 1) };
        let failed = Image { status: Status::Failed, ..base(5, 9) };
        let images = [base(1, 1), base(2, 2), base(3, 3), other, failed];
        assert_eq!(going(&keep(2), &images), ["5", "1"], "what failed is no last one");
        assert_eq!(going(&keep(0), &images), ["5", "4", "3", "2", "1"]);
    }

    #[test]
    fn what_something_was_made_from_stays_with_it_and_goes_after_it() {
        let images = [base(1, 1), base(2, 2), target(3, 3, 1), target(4, 4, 2)];
        assert_eq!(going(&keep(1), &images), ["3", "1"]);
        let building = Image { status: Status::Pending, ..target(5, 5, 1) };
        let with_new = [&images[..], &[building]].concat();
        assert_eq!(going(&keep(1), &with_new), ["3"], "5 is being made from 1");
        let pushed = Image { kind: Kind::Provider, ..target(6, 5, 3) };
        let with_pushed = [&images[..], &[pushed]].concat();
        assert_eq!(going(&keep(1), &with_pushed), [""; 0], "an account has what was made of 3");
    }

    #[test]
    fn age_and_number_must_both_agree() {
        let images = [base(1, 1), base(2, 89), base(3, 95)];
        let old = RetentionRule { older_than: Some(Duration::from_secs(10 * 86_400)), ..keep(0) };
        assert_eq!(going(&old, &images), ["2", "1"]);
        let both = RetentionRule { keep_last: Some(2), ..old.clone() };
        assert_eq!(going(&both, &images), ["1"]);
        let age_alone = RetentionRule { keep_last: None, ..old };
        assert_eq!(going(&age_alone, &images), ["2", "1"]);
    }

    #[test]
    fn tags_and_names_choose_and_keep_keeps() {
        let tagged = |number, tags: Value| {
            let mut image = base(number, 1);
            image.parameters.0.insert("tags".into(), tags);
            image
        };
        let images = [base(1, 1), tagged(2, json!(["nightly"])), tagged(3, json!("nightly, keep"))];
        let nightly = RetentionRule { tag: Some("nightly".into()), ..keep(0) };
        assert_eq!(going(&nightly, &images), ["2"]);
        assert_eq!(going(&keep(0), &images), ["2", "1"]);
        let named = RetentionRule { name: Some("w*b".into()), ..keep(0) };
        assert_eq!(going(&named, &images), ["2", "1"]);
        for (pattern, text, expected) in [
            ("web", "web", true),
            ("web", "web2", false),
            ("web*", "web2", true),
            ("*a*a*", "banana", true),
            ("a*a", "a", false),
            ("*x*", "banana", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_being_worked_on_or_is_gone_is_left_alone() {
        let with = |status| Image { status, ..base(1, 1) };
        for status in
            [Status::New, Status::Pending, Status::Building, Status::Deleting, Status::Deleted]
        {
            assert_eq!(going(&keep(0), &[with(status)]), [""; 0], "{status}");
        }
        assert_eq!(going(&keep(0), &[with(Status::DeleteFailed)]), ["1"]);
    }
}

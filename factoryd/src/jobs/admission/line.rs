//! The line in which images wait for a place: who is next. Pure: it knows no clock and no task.
//!
//! Callers take turns: a caller with a hundred images keeps nobody waiting for more than one of them. Of one caller, who came first
//! goes first, unless a plugin that it needs has all it can do; then the next one that needs others goes ahead.

use std::collections::{BTreeMap, VecDeque};

/// How many operations a plugin runs at once, by its name; 0: any number.
pub(super) type Plugins = Vec<(String, u32)>;

/// One that waits, or has a place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    number: u64,
    caller: String,
    plugins: Plugins,
}

/// Who has a place, and who waits for one.
#[derive(Debug)]
pub(super) struct Line {
    places: usize,
    last_number: u64,
    inside: Vec<Member>,
    /// In the order in which they came.
    waiting: VecDeque<Member>,
    /// When callers had their last turn.
    turns: BTreeMap<String, u64>,
    last_turn: u64,
}

impl Line {
    /// Makes a line before so many places.
    pub(super) fn new(places: usize) -> Self {
        let (inside, waiting, turns) = (Vec::new(), VecDeque::new(), BTreeMap::new());
        Self { places: places.max(1), last_number: 0, inside, waiting, turns, last_turn: 0 }
    }

    /// Lets one come who needs these plugins, and answers its number.
    pub(super) fn come(&mut self, caller: &str, plugins: Plugins) -> u64 {
        self.last_number += 1;
        let number = self.last_number;
        self.waiting.push_back(Member { number, caller: caller.to_owned(), plugins });
        number
    }

    /// Lets one go: out of its place, or out of the line.
    pub(super) fn go(&mut self, number: u64) {
        self.inside.retain(|member| member.number != number);
        self.waiting.retain(|member| member.number != number);
        // Who has nothing here any more is as new when it comes again.
        let here = |caller: &String| {
            self.inside.iter().chain(&self.waiting).any(|member| member.caller == *caller)
        };
        let gone: Vec<String> = self.turns.keys().filter(|caller| !here(caller)).cloned().collect();
        gone.iter().for_each(|caller| _ = self.turns.remove(caller));
    }

    /// Lets the next one in, and answers its number; `None` if nobody may enter now.
    pub(super) fn admit(&mut self) -> Option<u64> {
        if self.places <= self.inside.len() {
            return None;
        }
        let index = self.next()?;
        let member = self.waiting.remove(index)?;
        self.last_turn += 1;
        self.turns.insert(member.caller.clone(), self.last_turn);
        let number = member.number;
        self.inside.push(member);
        Some(number)
    }

    /// Answers how many of those who wait are before one: those of its caller. `None` if it does not wait.
    pub(super) fn before(&self, number: u64) -> Option<usize> {
        let own = self.waiting.iter().find(|member| member.number == number)?;
        let before = |member: &&Member| member.number < number && member.caller == own.caller;
        Some(self.waiting.iter().filter(before).count())
    }

    /// Answers how many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Finds, of those who could work, the first of the caller whose last turn was longest ago.
    fn next(&self) -> Option<usize> {
        let able = self.waiting.iter().enumerate().filter(|(_, member)| self.has_room_for(member));
        let turn = |member: &Member| self.turns.get(&member.caller).copied().unwrap_or(0);
        able.min_by_key(|(index, member)| (turn(member), *index)).map(|(index, _)| index)
    }

    fn has_room_for(&self, member: &Member) -> bool {
        member.plugins.iter().all(|(name, max)| {
            let uses = |inside: &&Member| inside.plugins.iter().any(|(used, _)| used == name);
            *max == 0 || self.inside.iter().filter(uses).count() < *max as usize
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(places: usize, who: &[(&str, &[(&str, u32)])]) -> Line {
        let mut line = Line::new(places);
        for (caller, plugins) in who {
            let plugins = plugins.iter().map(|(name, max)| ((*name).to_owned(), *max)).collect();
            line.come(caller, plugins);
        }
        line
    }

    /// Lets everybody through one by one, and answers their numbers.
    fn order(line: &mut Line) -> Vec<u64> {
        let one = |line: &mut Line| line.admit().inspect(|number| line.go(*number));
        std::iter::from_fn(|| one(line)).collect()
    }

    #[test]
    fn of_one_caller_who_comes_first_goes_first() {
        assert_eq!(order(&mut line(1, &[("a", &[]), ("a", &[]), ("a", &[])])), [1, 2, 3]);
    }

    #[test]
    fn callers_take_turns_however_many_images_they_have() {
        let mut many =
            line(1, &[("a", &[]), ("a", &[]), ("a", &[]), ("a", &[]), ("b", &[]), ("b", &[])]);
        assert_eq!(order(&mut many), [1, 5, 2, 6, 3, 4]);
        // Who comes later than all has its turn next, and not before those who never had one.
        let mut late = line(2, &[("a", &[]), ("a", &[]), ("b", &[])]);
        assert_eq!(late.admit(), Some(1));
        late.come("c", Vec::new());
        assert_eq!((late.admit(), late.admit()), (Some(3), None));
        late.go(1);
        assert_eq!(late.admit(), Some(4));
    }

    #[test]
    fn no_more_enter_than_there_are_places_and_one_that_goes_makes_room() {
        let mut line = line(2, &[("a", &[]), ("b", &[]), ("c", &[])]);
        assert_eq!((line.admit(), line.admit(), line.admit()), (Some(1), Some(2), None));
        assert_eq!((line.waiting(), line.before(3), line.before(1)), (1, Some(0), None));
        line.go(2);
        assert_eq!((line.admit(), line.waiting()), (Some(3), 0));
    }

    #[test]
    fn who_needs_a_plugin_that_is_busy_waits_and_holds_nobody_else_up() {
        let os: &[(&str, u32)] = &[("os", 1)];
        let both: &[(&str, u32)] = &[("os", 1), ("cloud", 0)];
        let mut line = line(4, &[("a", os), ("a", both), ("a", &[("cloud", 0)]), ("a", os)]);
        assert_eq!((line.admit(), line.admit(), line.admit()), (Some(1), Some(3), None));
        line.go(1);
        assert_eq!((line.admit(), line.admit()), (Some(2), None));
    }

    #[test]
    fn one_that_is_cancelled_leaves_the_line() {
        let mut line = line(1, &[("a", &[]), ("a", &[]), ("a", &[])]);
        assert_eq!(line.before(3), Some(2));
        line.go(2);
        assert_eq!(line.before(3), Some(1));
        assert_eq!(order(&mut line), [1, 3]);
        assert!(line.turns.is_empty(), "nobody is remembered for ever");
    }
}

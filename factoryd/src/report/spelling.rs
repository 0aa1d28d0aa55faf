//! What was probably meant by a name that is not known.

/// A longer name is no slip of the pen.
const LONGEST: usize = 32;

/// Answers the known name that is nearest, if it is near.
pub fn closest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    if name.len() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase();
    let ranked = known.map(|word| (distance(&lower, word), word));
    let (distance, word) = ranked.min_by_key(|(distance, _)| *distance)?;
    let tolerated = if word.len() <= 3 { 1 } else { 2 };
    (distance <= tolerated).then_some(word)
}

/// Answers how many single letters must be added, dropped, changed or swapped with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let known = || ["packages", "files", "os"].into_iter();
        assert_eq!(closest("pakages", known()), Some("packages"));
        assert_eq!(closest("Packages", known()), Some("packages"));
        assert_eq!(closest("flies", known()), Some("files"));
        assert_eq!(closest("kitchen", known()), None);
        assert_eq!(closest(&"packages".repeat(5), known()), None);
    }
}

//! Every board model parses; its existence is the model.

use crate::Breach;

/// Tables without which a model is no model.
const REQUIRED: &[&str] = &["box", "ports"];

/// Checks one model file.
pub fn check(path: &str, text: &str) -> Vec<Breach> {
    match text.parse::<toml::Table>() {
        Err(error) => {
            let before = error.span().map_or(0, |span| span.start).min(text.len());
            let line = text.as_bytes()[..before].iter().filter(|b| **b == b'\n').count() + 1;
            vec![Breach::new(path, line, error.message().to_owned())]
        }
        Ok(table) => {
            let missing = REQUIRED.iter().filter(|name| !table.contains_key(**name));
            missing.map(|name| Breach::new(path, 0, format!("has no table [{name}]"))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house;

    #[test]
    fn every_board_model_parses() {
        let models: Vec<String> = house::committed()
            .into_iter()
            .filter(|p| p.starts_with("board/models/") && p.ends_with(".toml"))
            .collect();
        assert!(!models.is_empty(), "board/models holds no model");
        let breaches = models.iter().flat_map(|path| check(path, &house::read(path))).collect();
        crate::refuse("board models parse", breaches);
    }

    #[test]
    fn a_broken_model_is_seen_with_its_line() {
        let broken = check("m.toml", "[box]\nname = \"x\"\nlanguage = \n[ports]\n");
        assert_eq!(broken.len(), 1);
        assert_eq!(broken[0].line, 3);
        assert_eq!(check("m.toml", "[box]\n").len(), 1);
    }
}

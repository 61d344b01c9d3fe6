//! Words on the command line for the values of an enum, which are those that serde knows.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};

/// The value with that name.
pub fn word<T: DeserializeOwned>(typed: &str) -> Result<T, String> {
    let value: Result<T, Error> = T::deserialize(typed.into_deserializer());
    value.map_err(|_| match all::<T>().split_last() {
        Some((last, others)) => format!("known are {} and {last}", others.join(", ")),
        None => "no word is known".to_owned(),
    })
}

/// Takes any of them; `--help` lists them all.
pub fn parser<T>() -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    parser_without(&[])
}

/// The same where some words are gone.
pub fn parser_without<T>(gone: &'static [(&str, &str)]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    Words::new(all::<T>(), gone).try_map(|typed| word(&typed))
}

/// The words that are taken; one that is gone is answered with what to use instead.
#[derive(Clone)]
pub struct Words {
    taken: PossibleValuesParser,
    gone: &'static [(&'static str, &'static str)],
}

impl Words {
    pub fn new(
        taken: impl Into<PossibleValuesParser>,
        gone: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { taken: taken.into(), gone }
    }
}

impl TypedValueParser for Words {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        let Some((gone, instead)) = self.gone.iter().find(|(gone, _)| value == *gone) else {
            return self.taken.parse_ref(command, arg, value);
        };
        let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(command);
        let named = arg.map_or_else(String::new, Arg::to_string);
        error.insert(ContextKind::InvalidArg, ContextValue::String(named));
        error.insert(ContextKind::InvalidValue, ContextValue::String((*gone).to_owned()));
        let tip = format!("`{gone}` is gone, use `{instead}`");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        Err(error)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.taken.possible_values()
    }
}

fn all<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut words: &[&str] = &[];
    let nothing: Result<T, Error> = T::deserialize(Variants(&mut words));
    drop(nothing);
    words
}

/// Looks at what a type asks for, and gives it nothing.
struct Variants<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Variants<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only names are wanted"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = variants;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Clone, Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum Fruit {
        Apple,
        RedCurrant,
        Fig,
    }

    #[test]
    fn words_are_those_of_serde() {
        assert_eq!(word("red-currant"), Ok(Fruit::RedCurrant));
        assert_eq!(word::<Fruit>("Fig"), Err("known are apple, red-currant and fig".to_owned()));
        let parser = parser::<Fruit>();
        let values: Vec<String> =
            parser.possible_values().unwrap().map(|value| value.get_name().to_owned()).collect();
        assert_eq!(values, ["apple", "red-currant", "fig"]);
    }
}

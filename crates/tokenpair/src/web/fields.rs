//! The text fields of the endpoints and their errors: DRF's `Serializer` and `CharField`.

use super::parsers::{Data, FieldValue};
use crate::accounts::Fields;
use crate::convert::strip;
use crate::json::{Object, Value};
use std::borrow::Cow;

/// A field of a [`View`](super::View): for OPTIONS, for forms, for the OpenAPI document.
///
/// ```
/// use tokenpair::web::{Field, Kind};
/// let fields = [
///     Field::required("email").kind(Kind::Email).max_length(254),
///     Field::optional("newsletter").kind(Kind::Boolean).help("At most once a month."),
/// ];
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) read_only: bool,
    pub(super) help: Cow<'static, str>,
    pub(super) max_length: Option<usize>,
}

/// What values a [`Field`] has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A text that is not blank.
    #[default]
    Text,
    /// The name of an account.
    Username,
    /// The name of an account to be made: what Django lets users be called.
    NewUsername,
    /// The password of an account, which forms do not show.
    Password,
    /// A password to be set.
    NewPassword,
    /// An e-mail address.
    Email,
    /// A token.
    Token,
    /// True or false.
    Boolean,
    /// An integer.
    Integer,
    /// A moment, as RFC 3339 writes it.
    DateTime,
    /// The id of a row: an integer, or a text.
    Id,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// Any text, be it empty.
    Anything,
    /// An object.
    Object(Vec<Field>),
    /// A list.
    List(Box<Kind>),
    /// What it says, or null.
    Nullable(Box<Kind>),
}

impl Field {
    fn new(name: impl Into<String>, required: bool, read_only: bool) -> Self {
        Self {
            name: name.into(),
            kind: Kind::Text,
            required,
            read_only,
            help: Cow::Borrowed(""),
            max_length: None,
        }
    }

    /// A text that has to be sent.
    pub fn required(name: impl Into<String>) -> Self {
        Self::new(name, true, false)
    }

    /// A text that may be left out.
    pub fn optional(name: impl Into<String>) -> Self {
        Self::new(name, false, false)
    }

    /// A text that is only answered.
    pub fn read_only(name: impl Into<String>) -> Self {
        Self::new(name, false, true)
    }

    /// Other values than a text.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// What people should know about it.
    pub fn help(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.help = text.into();
        self
    }

    /// How many characters there may be.
    pub fn max_length(mut self, characters: usize) -> Self {
        self.max_length = Some(characters);
        self
    }

    /// `max_length` as JSON has it.
    pub(super) fn most(&self) -> Option<i64> {
        self.max_length.and_then(|most| i64::try_from(most).ok())
    }

    /// `public_id` becomes `Public id`.
    pub(super) fn label(&self) -> String {
        let spaced = self.name.replace('_', " ").to_lowercase();
        let mut chars = spaced.chars();
        chars
            .next()
            .map(|first| first.to_uppercase().chain(chars).collect())
            .unwrap_or_default()
    }

    /// DRF's `SimpleMetadata` of a field.
    pub(super) fn metadata(&self) -> (String, Value) {
        let mut about = Object::new();
        about.insert("type", self.kind.drf_name());
        about.insert("required", self.required);
        about.insert("read_only", self.read_only);
        about.insert("label", self.label());
        if !self.help.is_empty() {
            about.insert("help_text", &*self.help);
        }
        if let Some(most) = self.most() {
            about.insert("max_length", most);
        }
        if let Kind::Choice(texts) = self.kind {
            let choice = |text: &&str| {
                let names = [("value", *text), ("display_name", *text)];
                Value::Object(Object::from_iter(names))
            };
            about.insert("choices", texts.iter().map(choice).collect::<Vec<_>>());
        }
        (self.name.clone(), Value::Object(about))
    }
}

impl Kind {
    /// DRF's `label_lookup`.
    fn drf_name(&self) -> &'static str {
        match self {
            Self::Text
            | Self::Username
            | Self::NewUsername
            | Self::Password
            | Self::NewPassword
            | Self::Token
            | Self::Anything => "string",
            Self::Email => "email",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::DateTime => "datetime",
            Self::Id => "field",
            Self::Choice(_) => "choice",
            Self::Object(_) => "nested object",
            Self::List(_) => "list",
            Self::Nullable(kind) => kind.drf_name(),
        }
    }
}

/// A text field that passed validation.
#[derive(Clone)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    /// What DRF hands to the serializer: outer white space removed.
    pub(super) fn trimmed(&self) -> &str {
        strip(&self.0)
    }

    /// What the client sent.
    pub(super) fn as_received(&self) -> &str {
        &self.0
    }
}

/// The body of a 400: messages by field, or for the body as a whole.
#[derive(Debug)]
pub(super) struct FieldErrors(pub(super) Object);

impl FieldErrors {
    fn non_field(message: impl Into<String>) -> Self {
        Self(messages("non_field_errors", vec![message.into()]))
    }
}

fn messages(name: &str, texts: Vec<String>) -> Object {
    let mut object = Object::new();
    object.insert(name, texts.into_iter().map(Value::from).collect::<Vec<_>>());
    object
}

/// Reads the named fields; errors are collected over all of them, in this order.
pub(super) fn read<'a, const N: usize>(
    data: &'a Data,
    names: [&str; N],
) -> Result<[Text<'a>; N], FieldErrors> {
    if let Data::Json(value) = data
        && value.as_object().is_none()
    {
        return Err(no_object(value));
    }
    let read = names.map(|name| text(data, name));
    let mut errors = Object::new();
    for (name, result) in names.iter().zip(&read) {
        if let Err(texts) = result {
            errors.insert(
                *name,
                texts
                    .iter()
                    .map(|text| Value::from(text.as_str()))
                    .collect::<Vec<_>>(),
            );
        }
    }
    if errors.is_empty() {
        // An empty list of errors means that every field was read.
        return Ok(read.map(|result| result.unwrap_or(Text(Cow::Borrowed("")))));
    }
    Err(FieldErrors(errors))
}

/// Those of the named fields that were sent, to be judged by whoever asked for them.
pub(super) fn sent(data: &Data, names: &[&str]) -> Result<Fields, FieldErrors> {
    if let Data::Json(value) = data
        && value.as_object().is_none()
    {
        return Err(no_object(value));
    }
    let mut fields = Fields::default();
    for name in names {
        let sent = match value(data, name) {
            Sent::Absent => continue,
            Sent::Text(text) => Ok(text.into_owned()),
            other => Err(other.flaws()),
        };
        fields.insert(name, sent);
    }
    Ok(fields)
}

fn no_object(value: &Value) -> FieldErrors {
    match value {
        Value::Null => FieldErrors::non_field("No data provided"),
        other => {
            let name = other.python_type_name();
            FieldErrors::non_field(format!(
                "Invalid data. Expected a dictionary, but got {name}."
            ))
        }
    }
}

fn text<'a>(data: &'a Data, name: &str) -> Result<Text<'a>, Vec<String>> {
    let one = |message: &str| vec![message.to_owned()];
    let sent = match value(data, name) {
        Sent::Text(text) => text,
        other => return Err(other.flaws()),
    };
    if strip(&sent).is_empty() {
        return Err(one("This field may not be blank."));
    }
    if sent.contains('\0') {
        return Err(one("Null characters are not allowed."));
    }
    Ok(Text(sent))
}

/// DRF runs both validators and reports both.
fn character_errors(units: &[u16]) -> Vec<String> {
    let nul = units
        .contains(&0)
        .then(|| "Null characters are not allowed.".to_owned());
    let mut chars = char::decode_utf16(units.iter().copied());
    let surrogate = chars.find_map(Result::err).map(|error| {
        format!(
            "Surrogate characters are not allowed: U+{:X}.",
            error.unpaired_surrogate()
        )
    });
    nul.into_iter().chain(surrogate).collect()
}

enum Sent<'a> {
    Absent,
    Null,
    /// A boolean, list, object or file.
    Other,
    IllFormed(&'a [u16]),
    Text(Cow<'a, str>),
}

impl Sent<'_> {
    /// Why this is no text.
    fn flaws(&self) -> Vec<String> {
        let text = match self {
            Self::Absent => "This field is required.",
            Self::Null => "This field may not be null.",
            Self::Other => "Not a valid string.",
            Self::IllFormed(units) => return character_errors(units),
            Self::Text(_) => return Vec::new(),
        };
        vec![text.to_owned()]
    }
}

fn value<'a>(data: &'a Data, name: &str) -> Sent<'a> {
    match data {
        Data::Form(fields) => match fields.get(name) {
            None => Sent::Absent,
            Some(FieldValue::File) => Sent::Other,
            Some(FieldValue::Text(text)) => Sent::Text(text.into()),
        },
        Data::Json(value) => match value.as_object().and_then(|object| object.get(name)) {
            None => Sent::Absent,
            Some(Value::Null) => Sent::Null,
            Some(Value::String(text)) => Sent::Text(text.into()),
            Some(Value::IllFormed(units)) => Sent::IllFormed(units),
            Some(Value::Number(number)) => Sent::Text(number.to_string().into()),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Sent::Other,
        },
    }
}

//! The project's own log-in serializers, of which most add a few claims and no more.

use super::facts::Serializer;
use super::python::{Place, Project, Value, What, additions};
use std::rc::Rc;

const BASE: &str = "rest_framework_simplejwt.serializers.TokenObtainPairSerializer";

/// The class that `value` names, if it is right on top of Simple JWT's.
pub(super) fn read(project: &mut Project, value: &Value) -> Option<Rc<Serializer>> {
    let value = project.resolve(value);
    let What::Class(class) = &value.what else {
        return None;
    };
    let [base] = class.bases.as_slice() else {
        return None;
    };
    let is_ours = matches!(&project.resolve(base).what, What::Name(name) if &**name == BASE);
    is_ours.then(|| at(&class.name, class.at.clone())).flatten()
}

/// The class at this place.
pub(super) fn at(name: &str, at: Place) -> Option<Rc<Serializer>> {
    Some(Rc::new(Serializer {
        name: name.to_owned(),
        additions: additions(&at.file, at.line)?,
        at,
    }))
}

//! The views of a URL configuration: Simple JWT's, and the project's own on top of them.

use super::{DEEPEST, NAMES, REFRESH_VIEW, Reader, VIEWS, WITH_COOKIES};
use crate::commands::import_django::facts::View;
use crate::commands::import_django::python::{Call, Class, Place, Value, What};
use crate::commands::import_django::serializers;

impl Reader<'_> {
    /// The view, if it concerns us.
    pub(super) fn view(&mut self, at: &Place, value: &Value, depth: usize) -> Option<View> {
        let value = self.project.resolve(value);
        match &value.what {
            What::Name(name) => {
                let function = name.strip_prefix(VIEWS)?;
                let class = NAMES.iter().find(|(_, known)| *known == function)?.0;
                Some(View::SimpleJwt(class.to_owned()))
            }
            What::Call(call) if &*call.callee == "as_view" => self.class_view(at, call),
            What::Call(call) if depth < 4 => {
                // `csrf_exempt(View.as_view())`: a wrapper of which only this one changes nothing here.
                let inner = call
                    .arguments
                    .iter()
                    .find_map(|value| self.view(at, value, depth + 1))?;
                match inner {
                    View::SimpleJwt(base) if !call.callee.ends_with("csrf_exempt") => {
                        Some(View::Own {
                            name: format!("{}({base})", call.callee),
                            how: format!("is wrapped in {}()", call.callee),
                            base,
                            serializer: None,
                        })
                    }
                    inner => Some(inner),
                }
            }
            _ => None,
        }
    }

    fn class_view(&mut self, at: &Place, call: &Call) -> Option<View> {
        let class = self.project.resolve(call.arguments.first()?);
        let own = |name: &str, base: &str, how: String| View::Own {
            name: name.to_owned(),
            base: base.to_owned(),
            how,
            serializer: None,
        };
        let given: Vec<&str> = call.keywords.iter().map(|(name, _)| &**name).collect();
        match &class.what {
            What::Name(name) => {
                let (base, is_imported) = match name.strip_prefix(VIEWS) {
                    Some(base) => (base, true),
                    None => (&**name, false),
                };
                let base = NAMES.iter().find(|(known, _)| *known == base)?.0;
                if !is_imported {
                    self.remark(
                        at,
                        format!("{base} is not imported there; it was taken for Simple JWT's"),
                    );
                }
                if given.is_empty() {
                    return Some(View::SimpleJwt(base.to_owned()));
                }
                Some(own(base, base, format!("is given {}", given.join(", "))))
            }
            What::Call(made) if &*made.callee == REFRESH_VIEW => Some(View::Foreign {
                name: REFRESH_VIEW.to_owned(),
                what: WITH_COOKIES,
            }),
            What::Class(class) => {
                let mut differing = Differing::default();
                let base = self.simple_jwt_base(class, &mut differing, 0)?;
                let Differing {
                    mut names,
                    has_further_bases,
                    serializer_class,
                } = differing;
                names.extend(given.into_iter().map(str::to_owned));
                if names.is_empty() && !has_further_bases {
                    return Some(View::SimpleJwt(base));
                }
                let how = if names.is_empty() {
                    "adds further bases".to_owned()
                } else {
                    format!("has its own {}", names.join(", "))
                };
                let mut view = own(&class.name, &base, how);
                let is_serializer = names == ["serializer_class"] && !has_further_bases;
                if let (View::Own { serializer, .. }, true) = (&mut view, is_serializer) {
                    *serializer = serializers::read(self.project, &serializer_class?);
                }
                Some(view)
            }
            _ => None,
        }
    }

    /// The view of Simple JWT's below; what the classes above it do otherwise.
    fn simple_jwt_base(
        &mut self,
        class: &Class,
        differing: &mut Differing,
        depth: usize,
    ) -> Option<String> {
        if depth > DEEPEST {
            return None;
        }
        for (name, value) in class.body.iter() {
            if !is_harmless(name, value) && !differing.names.iter().any(|known| known == name) {
                differing.names.push(name.to_owned());
            }
        }
        differing.names.extend(class.decorators.iter().cloned());
        differing.has_further_bases |= class.bases.len() > 1;
        if differing.serializer_class.is_none() {
            differing.serializer_class = class.body.get("serializer_class").cloned();
        }
        class
            .bases
            .iter()
            .find_map(|base| match &self.project.resolve(base).what {
                What::Name(name) => {
                    let name = name.strip_prefix(VIEWS)?;
                    let known = NAMES.iter().find(|(known, _)| *known == name)?;
                    Some(known.0.to_owned())
                }
                What::Class(class) => self.simple_jwt_base(&class.clone(), differing, depth + 1),
                _ => None,
            })
    }
}

/// What the project's own views do otherwise than Simple JWT's.
#[derive(Default)]
struct Differing {
    names: Vec<String>,
    has_further_bases: bool,
    serializer_class: Option<Value>,
}

/// Whether an attribute of a view says what Simple JWT's says, or is there for documentation only.
fn is_harmless(name: &str, value: &Value) -> bool {
    let is_open = |value: &Value| match &value.what {
        What::Name(name) => &**name == "rest_framework.permissions.AllowAny",
        _ => false,
    };
    match name {
        "schema" | "swagger_schema" => true,
        "permission_classes" => value
            .as_list()
            .is_some_and(|classes| classes.iter().all(is_open)),
        "authentication_classes" => value.as_list().is_some_and(<[Value]>::is_empty),
        _ => false,
    }
}

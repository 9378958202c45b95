//! Kernels for x86-64, the only unsafe code of the project.
//!
//! Two kinds of it: calls of functions that need a feature of the processor, behind the look for that feature, and
//! vectors taken for arrays of as many words.
#![allow(unsafe_code)]

pub(crate) mod avx512;
pub(crate) mod sha_ni;

//! Kernels for x86-64, the only unsafe code of the project.
//!
//! Three kinds of it: calls of functions that need a feature of the processor, behind the look for that feature,
//! vectors taken for arrays of as many words, and assembly code without an instruction, for the order of the others.
#![allow(unsafe_code)]

pub(crate) mod avx512;
pub(crate) mod sha_ni;

"""The parts of the differential fuzzer: cases, servers, descriptions of answers, and what counts as a difference."""

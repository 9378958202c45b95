//! Every kernel against aws-lc-rs, which shares no code with any of them.

use super::*;
use crate::lane::Lane;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

/// Passwords and salts around the edges of SHA-256's blocks: 64 bytes, less nine of padding, less four of counter.
const EDGES: [usize; 17] = [
    0, 1, 8, 50, 51, 52, 55, 56, 59, 60, 61, 63, 64, 65, 115, 119, 124,
];

fn oracle(password: &[u8], salt: &[u8], iterations: u32) -> [u8; OUTPUT] {
    derive_elsewhere(password, salt, NonZeroU32::new(iterations).unwrap())
}

/// The kernels of this processor; says aloud which are missing, for then they are not tested here.
fn kernels() -> Vec<Kernel> {
    for kernel in Kernel::ALL
        .into_iter()
        .filter(|kernel| !kernel.is_available())
    {
        eprintln!("NOT TESTED: this processor has no {kernel:?}");
    }
    Kernel::available()
}

#[derive(Clone, Debug)]
struct Job {
    password: Vec<u8>,
    salt: Vec<u8>,
    iterations: u32,
}

fn job(number: usize, iterations: u32) -> Job {
    let text = |prefix: &str, length: usize| -> Vec<u8> {
        let digits = format!("{prefix}{number}.");
        digits.bytes().cycle().take(length).collect()
    };
    Job {
        password: text("password", number % 70),
        salt: text("salt", number % 130),
        iterations,
    }
}

/// What the given kernels alone make of the jobs.
fn derive_with(kernels: &[Kernel], jobs: &[Job]) -> Vec<[u8; OUTPUT]> {
    let derivation = |job: &Job| {
        let iterations = NonZeroU32::new(job.iterations).unwrap();
        Derivation::new(&job.password, &job.salt, iterations)
    };
    let mut derivations: Vec<_> = jobs.iter().map(derivation).collect();
    while derivations.iter().any(|derivation| !derivation.is_done()) {
        kernel::advance(&mut derivations.iter_mut().collect::<Vec<_>>(), kernels);
    }
    let output = |derivation: &Derivation| derivation.output().unwrap();
    derivations.iter().map(output).collect()
}

/// By one kernel where it can: an odd lane is left to the portable one.
fn assert_agrees(kernel: Kernel, jobs: &[Job]) {
    let kernels = if kernel == Kernel::Pair {
        vec![Kernel::Portable, kernel]
    } else {
        vec![kernel]
    };
    for (job, output) in jobs.iter().zip(derive_with(&kernels, jobs)) {
        let expected = oracle(&job.password, &job.salt, job.iterations);
        assert_eq!(output, expected, "{kernel:?} {job:?}");
    }
}

#[test]
fn every_kernel_does_what_the_portable_one_does_to_a_lane() {
    for kernel in kernels() {
        for iterations in [0, 1, 2, 3, 17] {
            let lane = |n: usize| Lane::new(&job(n, 1).password, b"salt");
            let mut lanes: Vec<Lane> = (0..kernel.lanes()).map(lane).collect();
            let mut expected = lanes.clone();
            let done = kernel.advance(&mut lanes.iter_mut().collect::<Vec<_>>(), iterations);
            for lane in &mut expected {
                lane.advance(iterations);
            }
            assert_eq!((done, lanes), (kernel.lanes(), expected), "{kernel:?}");
        }
    }
}

#[test]
fn a_kernel_that_is_given_too_little_does_nothing() {
    for kernel in kernels() {
        assert_eq!(kernel.advance(&mut [], 5), 0, "{kernel:?}");
    }
    if Kernel::Pair.is_available() {
        let mut lane = Lane::new(b"password", b"salt");
        let before = lane.clone();
        assert_eq!(Kernel::Pair.advance(&mut [&mut lane], 5), 0);
        assert_eq!(lane, before);
    }
}

#[test]
fn every_number_of_lanes_agrees_with_aws_lc() {
    for kernel in kernels() {
        for number in 1..=40 {
            let equal: Vec<Job> = (0..number).map(|n| job(n, 3)).collect();
            assert_agrees(kernel, &equal);
        }
    }
}

#[test]
fn lanes_that_end_early_are_exact() {
    for kernel in kernels() {
        for number in 1..=40 {
            let unequal = |n: usize| job(n, 1 + u32::try_from(n * 7 % 11).unwrap());
            assert_agrees(kernel, &(0..number).map(unequal).collect::<Vec<_>>());
        }
    }
}

#[test]
fn all_kernels_of_the_processor_together_agree_with_aws_lc() {
    let kernels = kernels();
    for number in 0..=40 {
        let unequal = |n: usize| job(n, 1 + u32::try_from(n * 5 % 13).unwrap());
        let jobs: Vec<Job> = (0..number).map(unequal).collect();
        for (job, output) in jobs.iter().zip(derive_with(&kernels, &jobs)) {
            assert_eq!(output, oracle(&job.password, &job.salt, job.iterations));
        }
    }
}

#[test]
fn every_number_of_iterations_agrees_with_aws_lc() {
    for kernel in kernels() {
        let jobs: Vec<Job> = (1..=260).map(|iterations| job(9, iterations)).collect();
        assert_agrees(kernel, &jobs);
    }
}

#[test]
fn passwords_of_all_lengths_agree_with_aws_lc() {
    for length in 0..=200 {
        let password = vec![b'p'; length];
        let derived = derive(&password, b"salt", NonZeroU32::new(2).unwrap());
        assert_eq!(derived, oracle(&password, b"salt", 2), "{length}");
    }
}

#[test]
fn salts_of_all_lengths_agree_with_aws_lc() {
    for length in 0..=200 {
        let salt = vec![b's'; length];
        let derived = derive(b"password", &salt, NonZeroU32::new(2).unwrap());
        assert_eq!(derived, oracle(b"password", &salt, 2), "{length}");
    }
}

#[test]
fn the_edges_of_blocks_agree_with_aws_lc_in_every_kernel() {
    let edge = |password: usize, salt: usize| Job {
        password: vec![0xff; password],
        salt: vec![0x80; salt],
        iterations: 2,
    };
    let jobs = EDGES
        .iter()
        .flat_map(|&password| EDGES.map(|salt| edge(password, salt)));
    let jobs: Vec<Job> = jobs.collect();
    for kernel in kernels() {
        assert_agrees(kernel, &jobs);
    }
}

/// RFC 7914, section 11, the first 32 bytes.
#[test]
fn the_vectors_of_rfc_7914_are_met_by_every_kernel() {
    let vectors = [
        (
            "passwd",
            "salt",
            1,
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
        ),
        (
            "Password",
            "NaCl",
            80_000,
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56",
        ),
    ];
    for (password, salt, iterations, expected) in vectors {
        let jobs = vec![
            Job {
                password: password.into(),
                salt: salt.into(),
                iterations,
            };
            2
        ];
        for kernel in kernels() {
            for output in derive_with(&[Kernel::Portable, kernel], &jobs) {
                assert_eq!(hex(&output), expected, "{kernel:?}");
            }
        }
        let derived = derive(
            password.as_bytes(),
            salt.as_bytes(),
            NonZeroU32::new(iterations).unwrap(),
        );
        assert_eq!(hex(&derived), expected);
    }
}

/// A longer output begins with the shorter one: each block of it is derived by itself. Shorter ones are cut.
#[test]
fn all_vectors_of_wycheproof_are_met_by_every_kernel() {
    let file: Value =
        serde_json::from_str(include_str!("../tests/vectors/pbkdf2_hmacsha256_test.json")).unwrap();
    let groups = file["testGroups"].as_array().unwrap();
    let tests: Vec<&Value> = groups
        .iter()
        .flat_map(|group| group["tests"].as_array().unwrap())
        .collect();
    assert_eq!(tests.len(), 60);
    let bytes = |text: &Value| -> Vec<u8> {
        let digits = text.as_str().unwrap().as_bytes().chunks(2);
        digits
            .map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap())
            .collect()
    };
    let jobs: Vec<Job> = tests
        .iter()
        .map(|test| Job {
            password: bytes(&test["password"]),
            salt: bytes(&test["salt"]),
            iterations: test["iterationCount"].as_u64().unwrap().try_into().unwrap(),
        })
        .collect();
    for kernel in kernels() {
        for (test, output) in tests
            .iter()
            .zip(derive_with(&[Kernel::Portable, kernel], &jobs))
        {
            let key = bytes(&test["dk"]);
            let shared = key.len().min(OUTPUT);
            let same = output[..shared] == key[..shared];
            assert_eq!(
                same,
                test["result"] == "valid",
                "{kernel:?} {}",
                test["tcId"]
            );
        }
    }
}

#[test]
fn the_cheapest_kernel_depends_on_the_number_of_lanes() {
    if !Kernel::Single.is_available() || !Kernel::Sixteen.is_available() {
        return eprintln!("NOT TESTED: this processor lacks SHA-NI or AVX-512");
    }
    let cheapest = |lanes| Kernel::cheapest(&Kernel::ALL, lanes);
    assert_eq!(
        [1, 2, 3, 8].map(cheapest),
        [Kernel::Single, Kernel::Pair, Kernel::Pair, Kernel::Pair]
    );
    assert_eq!([9, 16, 40].map(cheapest), [Kernel::Sixteen; 3]);
}

#[test]
fn groups_begin_with_one_alone_at_full_cost_and_get_cheaper() {
    let groups = groups();
    assert_eq!(groups[0], Group { size: 1, cost: 100 });
    for pair in groups.windows(2) {
        let per_password = |group: Group| group.cost as usize / group.size;
        assert!(pair[0].size < pair[1].size && per_password(pair[0]) > per_password(pair[1]));
    }
}

#[test]
fn nothing_of_a_password_is_shown() {
    let derivation = Derivation::new(b"password", b"salt", NonZeroU32::new(5).unwrap());
    assert_eq!(format!("{derivation:?}"), "Derivation { remaining: 4, .. }");
}

fn any_job() -> impl Strategy<Value = Job> {
    let bytes = || vec(any::<u8>(), 0..200);
    (bytes(), bytes(), 1..200_u32).prop_map(|(password, salt, iterations)| Job {
        password,
        salt,
        iterations,
    })
}

proptest! {
    // A long run: `PROPTEST_CASES=100000 cargo test -p tokenpair-pbkdf2 random`. A failure prints its input.
    #[test]
    fn random_jobs_agree_with_aws_lc_in_every_kernel(jobs in vec(any_job(), 1..40)) {
        for kernel in kernels() {
            assert_agrees(kernel, &jobs);
        }
    }

    #[test]
    fn random_jobs_that_join_and_leave_agree_with_aws_lc(jobs in vec(any_job(), 1..40), together in 1..20_usize) {
        let mut waiting = jobs.iter();
        let mut running: Vec<(&Job, Derivation)> = Vec::new();
        loop {
            while running.len() < together && let Some(job) = waiting.next() {
                let iterations = NonZeroU32::new(job.iterations).unwrap();
                running.push((job, Derivation::new(&job.password, &job.salt, iterations)));
            }
            if running.is_empty() {
                break;
            }
            advance(&mut running.iter_mut().map(|(_, derivation)| derivation).collect::<Vec<_>>());
            running.retain(|(job, derivation)| {
                let output = derivation.output();
                let expected = || oracle(&job.password, &job.salt, job.iterations);
                assert!(output.is_none_or(|output| output == expected()), "{job:?}");
                output.is_none()
            });
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

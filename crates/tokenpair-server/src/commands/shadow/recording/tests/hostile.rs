//! Damaged recordings: the readers answer with requests or one clear sentence.

use super::{everything, read_as};

const LOG: &[u8] = br#"{"msec":"1763730600.123","request_method":"POST","request_uri":"/api/token/","content_type":"application/json","content_length":"18","http_authorization":"Bearer hunter2","request_body":"{\"password\":\"hunter2\"}"}"#;
const HAR: &[u8] = br#"{"log":{"version":"1.2","creator":{"name":"WebInspector"},"entries":[{"startedDateTime":"2025-11-21T14:10:00.250+01:00","request":{"method":"POST","url":"https://a.example/api/token/","headers":[{"name":"Authorization","value":"hunter2"}],"bodySize":2,"postData":{"mimeType":"application/json","text":"{\"password\":\"hunter2\"}","params":[]}},"response":{"status":200,"content":{"text":"e30=","encoding":"base64"}}}]}}"#;

/// `SplitMix64`, so that a run can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }
}

fn damage(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let place = random.below(damaged.len());
        match random.below(5) {
            0 => damaged.truncate(place),
            1 => damaged.insert(place, b"\"\\{}[],:\0\xff\n0"[random.below(12)]),
            2 => drop(damaged.splice(place..place, LOG.iter().copied().take(random.below(40)))),
            _ if damaged.is_empty() => {}
            3 => drop(damaged.remove(place)),
            _ => damaged[place] ^= 1 << random.below(8),
        }
    }
    damaged
}

#[test]
fn damaged_recordings_are_read_or_refused_without_being_quoted() {
    let seed = std::env::var("TOKENPAIR_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(20_251_121);
    println!("TOKENPAIR_TEST_SEED={seed}");
    let mut random = Random(seed);
    let mut read = [0, 0];
    for turn in 0..20_000 {
        let original = if turn % 2 == 0 { LOG } else { HAR };
        let damaged = damage(original, &mut random);
        match read_as(&damaged, &everything()) {
            Ok(_) => read[0] += 1,
            Err(error) => {
                read[1] += 1;
                assert!(!error.contains("hunter2"), "{error}");
                assert!(error.len() < 400, "{error}");
            }
        }
    }
    assert!(read.iter().all(|count| *count > 1000), "{read:?}");
}

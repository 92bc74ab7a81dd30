// SPDX-License-Identifier: Apache-2.0
//! One log record, as callers read it: containerd shows the last one whose level is "error".

use alloc::format;
use alloc::string::{String, ToString};
use estiba_engine::clock::date_and_time;

/// `seconds` since the epoch.
pub fn record(level: &str, message: &str, seconds: u64, is_json: bool) -> String {
    let (message, time) = (quoted(message), date_and_time(seconds));
    if is_json {
        format!("{{\"level\":\"{level}\",\"msg\":{message},\"time\":\"{time}Z\"}}\n")
    } else {
        format!("time=\"{time}Z\" level={level} msg={message}\n")
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_whatever_the_message_holds() {
        let told = record("error", "a \"b\"\nc\u{7}", 0, true);
        assert_eq!(
            told,
            "{\"level\":\"error\",\"msg\":\"a \\\"b\\\"\\nc\\u0007\",\"time\":\"1970-01-01T00:00:00Z\"}\n"
        );
    }
}

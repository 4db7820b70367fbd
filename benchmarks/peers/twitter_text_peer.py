"""Microseconds of CPU that twitter-text-parser takes for a text: texts as JSON on stdin."""

import json
import sys
import time

import twitter_text

texts = json.load(sys.stdin)
for text in texts:
    twitter_text.parse_tweet(text)
began = time.process_time()
for _ in range(20):
    for text in texts:
        twitter_text.parse_tweet(text)
print(1e6 * (time.process_time() - began) / 20 / len(texts))

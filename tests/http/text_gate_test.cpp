// Goal: a text in pieces is given out whole up to the first stop sequence, whatever the pieces.
// Method: pure; every way to cut a text in two or three, and random bytes.
#include "http/upstream/text_gate.hpp"

#include <catch2/catch.hpp>
#include <random>

namespace signalbox::http {

namespace {

/// What comes out for these pieces, and whether it was stopped.
std::pair<std::string, bool> pass(TextGate gate, const std::vector<std::string>& pieces) {
  std::string out;
  for (const std::string& piece : pieces) {
    out += gate.feed(piece);
    if (gate.stopped()) return {out + gate.finish(), true};
  }
  return {out + gate.finish(), false};
}

}  // namespace

TEST_CASE("text_gate: without stops text passes at once", "[http][text_gate]") {
  TextGate gate;
  CHECK(gate.feed("Hello") == "Hello");
  CHECK(gate.feed("") == "");
  CHECK(gate.feed(" \n\t") == " \n\t");
  CHECK(gate.finish().empty());
  CHECK_FALSE(gate.stopped());
}

TEST_CASE("text_gate: only what may become a stop sequence is held back", "[http][text_gate]") {
  TextGate gate({"###", "\nUser:"});
  CHECK(gate.feed("a#") == "a");
  CHECK(gate.feed("#") == "");
  CHECK(gate.feed("b\nUs") == "##b");
  CHECK(gate.feed("eful") == "\nUseful");
  CHECK(gate.feed("\nUser: x") == "");
  CHECK(gate.stopped());
  CHECK(gate.finish().empty());
}

TEST_CASE("text_gate: what was held back is given out at the end", "[http][text_gate]") {
  TextGate gate({"STOP"});
  CHECK(gate.feed("go STO") == "go ");
  CHECK(gate.finish() == "STO");
  CHECK_FALSE(gate.stopped());
}

TEST_CASE("text_gate: the first stop sequence in the text counts, however it is cut",
          "[http][text_gate]") {
  struct Case {
    std::string text;
    std::vector<std::string> stops;
    std::string out;
    bool stopped;
  };
  const auto given = GENERATE(
      Case{"abcabd", {"abd"}, "abc", true}, Case{"aaaab", {"aab"}, "aa", true},
      Case{"one END two", {"two", "END"}, "one ", true}, Case{"END", {"END"}, "", true},
      Case{"xENxEN", {"END"}, "xENxEN", false}, Case{"ababac", {"abac"}, "ab", true},
      Case{"a\xC3\xA9z", {"z"}, "a\xC3\xA9", true}, Case{"a\xC3\xA9z", {"\xC3\xA9"}, "a", true});
  for (std::size_t first = 0; first <= given.text.size(); ++first)
    for (std::size_t second = first; second <= given.text.size(); ++second) {
      const auto [out, stopped] =
          pass(TextGate(given.stops),
               {given.text.substr(0, first), given.text.substr(first, second - first),
                given.text.substr(second)});
      INFO(given.text << " cut at " << first << " and " << second);
      CHECK(out == given.out);
      CHECK(stopped == given.stopped);
    }
}

TEST_CASE("text_gate: characters are never cut", "[http][text_gate]") {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    TextGate gate;
    const std::string first = gate.feed(text.substr(0, cut));
    CHECK(unfinished_character_size(first) == 0);
    CHECK(first + gate.feed(text.substr(cut)) == text);
  }
  CHECK(unfinished_character_size("\xF0\x9F\x98") == 3);
  CHECK(unfinished_character_size("\xF0\x9F\x98\x80") == 0);
  CHECK(unfinished_character_size("\x80\x80\x80\x80") == 0);
}

TEST_CASE("text_gate: bytes that are no UTF-8 come out as they went in", "[http][text_gate]") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string all;
    std::vector<std::string> pieces(random() % 8);
    for (std::string& piece : pieces) {
      for (auto size = random() % 6; size > 0; --size)
        piece += static_cast<char>(random() % 2 == 0 ? random() % 256 : 0xC0 + random() % 64);
      all += piece;
    }
    CHECK(pass(TextGate(), pieces).first == all);
  }
}

}  // namespace signalbox::http

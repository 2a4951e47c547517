// Goal: the class a caller asks for, in every form that http-api Common takes. Method: all words in
// all cases; the forms of RFC 9218 (a dictionary of RFC 8941), good and broken.
#include "core/base/priority.hpp"

#include <catch2/catch.hpp>
#include <cctype>
#include <map>
#include <string>

namespace signalbox::test {

using enum Priority;

TEST_CASE("priority: the three words are read in every mix of cases", "[core][priority]") {
  for (const auto& [word, priority] : std::map<std::string, Priority>{
           {"interactive", interactive}, {"workflow", workflow}, {"background", background}}) {
    CHECK(to_string(priority) == word);
    for (unsigned mask = 0; mask < 1U << word.size(); ++mask) {
      std::string text = word;
      for (std::size_t index = 0; index < word.size(); ++index) {
        if ((mask >> index & 1U) != 0) text[index] = static_cast<char>(std::toupper(text[index]));
      }
      if (parse_priority(text) != priority) FAIL(text);
    }
    CHECK(parse_priority(" \t" + word + " ") == priority);
  }
}

TEST_CASE("priority: anything else is no class", "[core][priority]") {
  for (const auto* text : {"", " ", "interactiv", "interactivee", "inter active", "high", "0",
                           "u=1", "workflow,background", "\"workflow\"", "workfl\xc3\xb6w"}) {
    INFO(text);
    CHECK_FALSE(parse_priority(text));
  }
}

TEST_CASE("priority: the numbers are the order of service", "[core][priority]") {
  CHECK(to_index(interactive) == 0);
  CHECK(to_index(workflow) == 1);
  CHECK(to_index(background) == 2);
  CHECK(interactive < workflow);
  CHECK(workflow < background);
}

TEST_CASE("priority: every urgency of RFC 9218 has its class", "[core][priority]") {
  const std::map<std::string, Priority> expected{
      {"u=0", interactive}, {"u=1", interactive}, {"u=2", interactive}, {"u=3", workflow},
      {"u=4", workflow},    {"u=5", background},  {"u=6", background},  {"u=7", background}};
  for (const auto& [field, priority] : expected) {
    INFO(field);
    CHECK(parse_urgency(field) == priority);
    for (const auto& form : {" " + field + " ", field + ", i", "i, " + field, field + ",i=?0",
                             "i=?1 ,\t" + field, "a=1, " + field + ", b=\"x\""}) {
      INFO(form);
      CHECK(parse_urgency(form) == priority);
    }
  }
}

TEST_CASE("priority: of two urgencies the last one holds", "[core][priority]") {
  CHECK(parse_urgency("u=1, u=6") == background);
  CHECK(parse_urgency("u=6, u=1") == interactive);
}

TEST_CASE("priority: parameters of the urgency are passed over, as RFC 8941 has them",
          "[core][priority]") {
  CHECK(parse_urgency("u=1;x") == interactive);
  CHECK(parse_urgency("u=6;x=1;y=2, i") == background);
}

TEST_CASE("priority: a field with no readable urgency asks for nothing", "[core][priority]") {
  for (const auto* field :
       {"",        " ",    ",",     ",,,",         "i",   "u",     "u=",    "u=8",  "u=9",
        "u=-1",    "u=10", "u=1.0", "u=a",         "U=1", "u =1",  "u= 1",  "uu=1", "x=1",
        "u=\"1\"", "u=?1", "1",     "interactive", "u:1", "u=1 i", "u=\xb2"}) {
    INFO(field);
    CHECK_FALSE(parse_urgency(field));
  }
}

TEST_CASE("priority: a cap lowers what is above it and leaves the rest", "[core][priority]") {
  for (const Priority wanted : all_priorities) {
    for (const Priority highest : all_priorities) {
      const auto expected = std::max(to_index(wanted), to_index(highest));
      CHECK(to_index(cap_priority(wanted, highest)) == expected);
    }
  }
}

}  // namespace signalbox::test

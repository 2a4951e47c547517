// Goal: completions know every command, flag and word that the parser takes, in each shell.
// Method: the table that the parser gives, looked up in each script; a made table for what must be
// escaped. The shells themselves run in tests/e2e/cli_local.test.mjs.
#include "cli/completion/completion.hpp"

#include <catch2/catch.hpp>

#include "cli/show/resources.hpp"

namespace signalbox::cli {
namespace {

const CommandRow& find_command(const CommandRow& program, const std::string& name) {
  for (const CommandRow& command : program.commands) {
    if (command.name == name) return command;
  }
  throw std::runtime_error{"no command " + name};
}

/// What a flag looks like in a script of that shell.
std::string flag_in(Shell shell, const std::string& name) {
  if (shell != Shell::fish) return name;
  return name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
}

std::string word_in(Shell shell, std::string word) {
  const std::size_t colon = word.find(':');
  if (shell == Shell::zsh && colon != std::string::npos) word.insert(colon, "\\");
  return word;
}

}  // namespace

TEST_CASE("completion: the table has what the parser takes", "[cli][completion]") {
  const CommandRow program = make_command_table();
  CHECK(program.name == "signalbox");
  for (const char* name :
       {"serve", "get", "describe", "cancel", "chat-llm", "chat", "config", "keys", "completion"}) {
    CHECK(find_command(program, name).name == name);
  }
  const CommandRow& get = find_command(program, "get");
  REQUIRE(get.positionals.size() == 2);
  CHECK(get.positionals[0].value.words == resource_names());
  CHECK_FALSE(get.positionals[0].is_last);
  CHECK(find_command(program, "cancel").positionals[1].is_last);
  CHECK(find_command(program, "config").commands.at(0).name == "check");
  CHECK(find_command(program, "keys").commands.at(0).name == "new");
}

TEST_CASE("completion: flags and values are told apart", "[cli][completion]") {
  const CommandRow program = make_command_table();
  const CommandRow& get = find_command(program, "get");
  std::size_t seen = 0;
  for (const OptionRow& option : get.options) {
    const std::string& name = option.names.front();
    if (name == "--watch") {
      CHECK(option.names == std::vector<std::string>{"--watch", "-w"});
      CHECK_FALSE(option.takes_value);
      ++seen;
    } else if (name == "--output") {
      CHECK(option.takes_value);
      CHECK_FALSE(option.may_repeat);
      CHECK(option.value.words.size() == 5);
      ++seen;
    } else if (name == "--status") {
      CHECK(option.may_repeat);
      CHECK(option.value.words == all_statuses());
      ++seen;
    } else if (name == "--key-file") {
      CHECK(option.value.is_file);
      ++seen;
    }
  }
  CHECK(seen == 4);
}

TEST_CASE("completion: each script names each command, flag and word", "[cli][completion]") {
  const CommandRow program = make_command_table();
  for (const Shell shell : {Shell::bash, Shell::zsh, Shell::fish}) {
    const std::string script = make_completion(shell, program);
    CAPTURE(static_cast<int>(shell));
    for (const CommandPath& at : list_paths(program)) {
      if (!at.path.empty()) CHECK_THAT(script, Catch::Contains(at.command->name));
      for (const OptionRow& option : at.command->options) {
        for (const std::string& name : option.names) {
          CHECK_THAT(script, Catch::Contains(flag_in(shell, name)));
        }
        for (const std::string& word : option.value.words) {
          CHECK_THAT(script, Catch::Contains(word_in(shell, word)));
        }
      }
      for (const PositionalRow& positional : at.command->positionals) {
        for (const std::string& word : positional.value.words) {
          CHECK_THAT(script, Catch::Contains(word_in(shell, word)));
        }
      }
    }
  }
}

TEST_CASE("completion: what a shell would take for its own is escaped", "[cli][completion]") {
  CommandRow program{"signalbox", "", {}, {}, {}};
  program.commands.push_back({"x", "it's [odd]: \\", {}, {}, {}});
  CHECK_THAT(make_zsh_completion(program), Catch::Contains(R"('x:it'\''s \[odd\]\: \\')"));
  CHECK_THAT(make_fish_completion(program), Catch::Contains(R"(-d 'it\'s [odd]: \\')"));
}

}  // namespace signalbox::cli

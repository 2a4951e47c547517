#include "cli/keys.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "cli/client/failure.hpp"
#include "cli/client/output.hpp"
#include "http/front/auth.hpp"

namespace signalbox::cli {
namespace {

constexpr std::size_t key_bytes = 32;
/// So many hex digits of the digest make a made-up id unlike the owner's others.
constexpr std::size_t id_digits = 6;
/// A name of the configuration has at most so many characters.
constexpr std::size_t name_max = 128;

std::string make_id(const NewKeyOptions& options, const std::string& digest) {
  if (!options.id.empty()) return options.id;
  return options.owner.substr(0, name_max - id_digits - 1) + "-" + digest.substr(0, id_digits);
}

/// Names and grants have no character that needs escaping.
std::string quoted(const std::string& name) {
  return "\"" + name + "\"";
}

/// Whoever names grants has those only; one for workers or for looking on is meant so.
bool is_without_calls(const NewKeyOptions& options) {
  const auto& grants = options.grants;
  return !grants.empty() && std::none_of(grants.begin(), grants.end(), [](const auto& grant) {
    return grant == "tasks:create" || grant == "workers:create";
  });
}

}  // namespace

std::string format_key(std::span<const unsigned char> bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string key = "sbx_";
  unsigned int held = 0;
  unsigned int held_bits = 0;
  for (const unsigned char byte : bytes) {
    held = (held << 8U) | byte;
    held_bits += 8;
    while (held_bits >= 6) {
      held_bits -= 6;
      key += digits[(held >> held_bits) & 63U];
    }
  }
  if (held_bits > 0) key += digits[(held << (6 - held_bits)) & 63U];
  return key;
}

std::string format_key_line(const NewKeyOptions& options, const std::string& key) {
  const std::string digest = http::sha256_hex(key);
  std::string line = "- {id: " + quoted(make_id(options, digest)) +
                     ", owner: " + quoted(options.owner) + ", sha256: " + quoted(digest);
  std::string grants;
  for (const std::string& grant : options.grants) {
    grants += (grants.empty() ? "" : ", ") + quoted(grant);
  }
  if (!grants.empty()) line += ", grants: [" + grants + "]";
  if (options.default_priority) {
    line += ", default_priority: " + std::string{to_string(*options.default_priority)};
  }
  if (options.max_priority) {
    line += ", max_priority: " + std::string{to_string(*options.max_priority)};
  }
  return line + "}";
}

int run_new_key(const NewKeyOptions& options) {
  std::array<unsigned char, key_bytes> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return report({ExitCode::failure, "the system gave no random bytes; nothing was made"});
  }
  const std::string key = format_key(bytes);
  // On stdout are just the two lines; people see them between what they are.
  std::fputs("The key, shown only now; its owner gives it as SIGNALBOX_API_KEY:\n", stderr);
  if (!print_out(key + "\n")) return to_int(ExitCode::failure);
  std::fputs(
      "Its line below auth.keys (with auth.mode: keys), in force after SIGHUP or a restart:\n",
      stderr);
  const bool is_printed = print_out(format_key_line(options, key) + "\n");
  if (is_without_calls(options)) {
    std::fputs(
        "Grants stand in place of the usual ones: this key may make no calls. Add --grant "
        "tasks:create if it should.\n",
        stderr);
  }
  return to_int(is_printed ? ExitCode::ok : ExitCode::failure);
}

}  // namespace signalbox::cli

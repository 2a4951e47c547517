#include "http/surfaces/push_heartbeat.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "http/text/read_members.hpp"

namespace signalbox::http {
namespace {

/// An IPv4 address counts as the IPv6 address that stands for it.
using Address = std::array<std::uint8_t, 16>;
constexpr std::array<std::uint8_t, 12> ipv4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned ipv4_prefix_bits = 96;

struct Network {
  Address address{};
  unsigned prefix_bits = 128;
};

std::optional<Address> parse_address(const std::string& text) {
  Address address{};
  if (inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
  std::copy(ipv4_prefix.begin(), ipv4_prefix.end(), address.begin());
  if (inet_pton(AF_INET, text.c_str(), address.data() + ipv4_prefix.size()) == 1) return address;
  return std::nullopt;
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string host{text.substr(0, slash)};
  const auto address = parse_address(host);
  if (!address) return std::nullopt;
  Network network{*address};
  if (slash == std::string_view::npos) return network;
  unsigned bits = 0;
  if (!read_number(text.substr(slash + 1), bits)) return std::nullopt;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  network.prefix_bits = is_ipv6 ? bits : bits + ipv4_prefix_bits;
  return network.prefix_bits <= 128 ? std::optional{network} : std::nullopt;
}

bool contains(const Network& network, const Address& address) {
  for (unsigned bit = 0; bit < network.prefix_bits; bit += 8) {
    const unsigned left = std::min(network.prefix_bits - bit, 8U);
    const auto mask = static_cast<std::uint8_t>(0xff00U >> left);
    if ((network.address[bit / 8] & mask) != (address[bit / 8] & mask)) return false;
  }
  return true;
}

bool is_same_name(std::string_view left, std::string_view right) {
  const auto lower = [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

bool is_loopback(std::string_view host, const std::optional<Address>& address) {
  if (!address) return is_same_name(host, "localhost");
  return contains(*parse_network("127.0.0.0/8"), *address) ||
         contains(*parse_network("::1"), *address);
}

/// Without what would end the host in a URL.
bool is_host(std::string_view host) {
  if (parse_address(std::string{host})) return true;
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '.' || letter == '-' || letter == '_';
  });
}

Error of_worker(Error error, const std::string& name) {
  return std::move(error).at_param("worker." + name);
}

Result<std::string> read_text(const std::vector<Member>& members, const std::string& name) {
  auto text = read_string(members, name);
  if (text.has_error()) return of_worker(text.error(), name);
  if (!*text) return of_worker(invalid_request(name + " is missing", name), name);
  return std::move(**text);
}

/// @param number keeps its value when the member is not given.
template <class Number>
std::optional<Error> read_whole(const std::vector<Member>& members, const std::string& name,
                                Number& number) {
  const Member* member = find_given(members, name);
  if (member == nullptr || read_number(member->value, number)) return std::nullopt;
  return of_worker(invalid_request(name + " must be a whole number in its range", name), name);
}

Result<PushHeartbeat> read_worker(const std::vector<Member>& members,
                                  std::string_view caller_address) {
  PushHeartbeat heartbeat;
  for (const auto& [name, field] :
       {std::pair{"id", &heartbeat.id}, std::pair{"model_id", &heartbeat.model},
        std::pair{"device", &heartbeat.device},
        std::pair{"implementation", &heartbeat.implementation},
        std::pair{"version", &heartbeat.version}}) {
    auto text = read_text(members, name);
    if (text.has_error()) return text.error();
    *field = std::move(*text);
  }
  auto host = read_string(members, "host");
  if (host.has_error()) return of_worker(host.error(), "host");
  heartbeat.host = std::move(*host).value_or(std::string{caller_address});
  if (!is_host(heartbeat.host)) {
    return of_worker(invalid_request("host must be a name or an address", "host"), "host");
  }
  if (find_given(members, "port") == nullptr) {
    return of_worker(invalid_request("port is missing", "port"), "port");
  }
  if (auto error = read_whole(members, "port", heartbeat.port)) return std::move(*error);
  if (auto error = read_whole(members, "capacity", heartbeat.capacity)) return std::move(*error);
  const auto word = read_text(members, "status");
  if (word.has_error()) return word.error();
  const auto status = parse_push_status(*word);
  if (!status) {
    return of_worker(invalid_request("status must be starting, ready, busy or stopped", "status"),
                     "status");
  }
  heartbeat.status = *status;
  if (auto error = check(heartbeat)) return std::move(*error);
  return heartbeat;
}

}  // namespace

Result<PushHeartbeat> read_push_heartbeat(std::string_view body, std::string_view caller_address) {
  const auto members = scan_object(body);
  if (members.has_error()) return members.error();
  const Member* worker = find_given(*members, "worker");
  if (worker == nullptr || !worker->value.starts_with('{')) {
    return invalid_request("worker must be an object", "worker");
  }
  // When it was sent, in the worker's own form; what counts is when it came.
  const Member* timestamp = find_given(*members, "timestamp");
  if (timestamp == nullptr ||
      std::string_view{"{[tf"}.find(timestamp->value.front()) != std::string_view::npos) {
    return invalid_request("timestamp must be a time", "timestamp");
  }
  const auto of_it = scan_object(worker->value);
  if (of_it.has_error()) return of_it.error();
  return read_worker(*of_it, caller_address);
}

bool is_allowed_host(std::string_view host, const std::vector<std::string>& allowed) {
  const auto address = parse_address(std::string{host});
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& each) {
    if (each == "loopback") return is_loopback(host, address);
    const auto network = parse_network(each);
    if (network) return address.has_value() && contains(*network, *address);
    return is_same_name(host, each);
  });
}

}  // namespace signalbox::http

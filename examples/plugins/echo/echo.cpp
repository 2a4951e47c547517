// A backend as a plugin: an LLM that answers a chat or a prompt with the caller's own words, plain
// and streamed, and counts them as tokens.
//
//   plugins:
//     - path: plugins/echo.so
//       settings: {llm: plugin-echo, capacity: 4, word_delay_ms: 20}
#include <algorithm>
#include <boost/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/plugin.hpp"

namespace {

namespace json = boost::json;
using namespace signalbox::plugin;

struct Settings {
  std::string llm = "plugin-echo";
  std::string pool;
  std::uint32_t capacity = 4;
  std::chrono::milliseconds word_delay{0};
};

Settings read_settings(const std::string& text) {
  Settings settings;
  const json::value document = json::parse(text);
  for (const auto& [key, value] : document.as_object()) {
    if (key == "llm" && value.is_string()) {
      settings.llm = value.get_string().c_str();
    } else if (key == "pool" && value.is_string()) {
      settings.pool = value.get_string().c_str();
    } else if (key == "capacity" && value.is_int64() && value.get_int64() >= 1 &&
               value.get_int64() <= 64) {
      settings.capacity = static_cast<std::uint32_t>(value.get_int64());
    } else if (key == "word_delay_ms" && value.is_int64() && value.get_int64() >= 0) {
      settings.word_delay = std::chrono::milliseconds{value.get_int64()};
    } else {
      throw std::invalid_argument(
          "echo has llm and pool (texts), capacity (1 to 64) and "
          "word_delay_ms (0 or more), not " +
          std::string{key} + ": " + json::serialize(value));
    }
  }
  return settings;
}

/// What one call asks for.
struct Request {
  std::vector<std::string> words;
  std::size_t answer_words = 0;
  bool wants_usage = false;
};

std::string text_of(const json::value& content) {
  if (content.is_string()) return std::string{content.get_string()};
  std::string text;
  if (!content.is_array()) return text;
  for (const json::value& part : content.get_array()) {
    if (const auto* piece = part.is_object() ? part.get_object().if_contains("text") : nullptr) {
      text += text_of(*piece) + " ";
    }
  }
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", start), text.size());
    if (end > start) words.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

Request read_request(const Call& call) {
  const json::value document = json::parse(call.request());
  const json::object& body = document.as_object();
  Request request;
  if (call.kind() == Kind::completion) {
    request.words = split(text_of(body.at("prompt")));
  } else {
    const json::array& messages = body.at("messages").as_array();
    if (messages.empty()) throw std::invalid_argument("messages is empty");
    request.words = split(text_of(messages.back().as_object().at("content")));
  }
  request.answer_words = request.words.size();
  if (const auto* most = body.if_contains("max_tokens"); most != nullptr && most->is_int64()) {
    const auto count = static_cast<std::size_t>(std::max<std::int64_t>(most->get_int64(), 0));
    request.answer_words = std::min(request.answer_words, count);
  }
  if (const auto* options = body.if_contains("stream_options"); options && options->is_object()) {
    const auto* wish = options->get_object().if_contains("include_usage");
    request.wants_usage = wish != nullptr && wish->is_bool() && wish->get_bool();
  }
  return request;
}

class EchoBackend final : public Backend {
 public:
  explicit EchoBackend(std::chrono::milliseconds word_delay) : x_word_delay{word_delay} {}

  Answer run(Call& call) override {
    if (call.kind() == Kind::embedding) return Answer::failed("echo makes no embeddings", false);
    Request request;
    try {
      request = read_request(call);
    } catch (const std::exception&) {
      return Answer::failed("the body has no messages or prompt that could be read", false);
    }
    return call.is_streaming() ? stream(call, request) : answer_whole(call, request);
  }

 private:
  Answer answer_whole(Call& call, const Request& request) const {
    std::string text;
    for (std::size_t index = 0; index < request.answer_words; ++index) {
      // Nobody waits any longer: what is returned goes nowhere.
      if (!call.pause(x_word_delay)) return {};
      text += (index == 0 ? "" : " ") + request.words[index];
    }
    const bool is_chat = call.kind() == Kind::chat;
    json::object choice{{"index", 0}, {"finish_reason", "stop"}};
    if (is_chat) {
      choice["message"] = {{"role", "assistant"}, {"content", text}};
    } else {
      choice["text"] = text;
    }
    json::object body = head(call, is_chat ? "chat.completion" : "text_completion");
    body["choices"] = json::array{choice};
    body["usage"] = usage(request);
    return Answer::whole(json::serialize(body));
  }

  Answer stream(Call& call, const Request& request) const {
    for (std::size_t index = 0; index < request.answer_words; ++index) {
      const std::string text = (index == 0 ? "" : " ") + request.words[index];
      if (!call.pause(x_word_delay) || !call.say(piece(call, &text))) return {};
    }
    call.say(piece(call, nullptr));
    if (request.wants_usage) {
      json::object chunk = head(call, chunk_type(call));
      chunk["choices"] = json::array{};
      chunk["usage"] = usage(request);
      call.say(json::serialize(chunk));
    }
    return Answer::streamed();
  }

  static const char* chunk_type(const Call& call) {
    return call.kind() == Kind::chat ? "chat.completion.chunk" : "text_completion";
  }
  static json::object head(const Call& call, const char* object) {
    return {
        {"id", "echo-" + call.id()}, {"object", object}, {"created", 0}, {"model", call.model()}};
  }
  static json::object usage(const Request& request) {
    const std::size_t in = request.words.size();
    const std::size_t out = request.answer_words;
    return {{"prompt_tokens", in}, {"completion_tokens", out}, {"total_tokens", in + out}};
  }
  /// @param text the next words; null = the end.
  static std::string piece(const Call& call, const std::string* text) {
    json::object choice{{"index", 0}, {"finish_reason", nullptr}};
    if (text == nullptr) choice["finish_reason"] = "stop";
    if (call.kind() == Kind::completion) {
      choice["text"] = text == nullptr ? "" : *text;
    } else {
      choice["delta"] = text == nullptr ? json::object{} : json::object{{"content", *text}};
    }
    json::object chunk = head(call, chunk_type(call));
    chunk["choices"] = json::array{choice};
    return json::serialize(chunk);
  }

  const std::chrono::milliseconds x_word_delay;
};

class Echo final : public Plugin {
 public:
  explicit Echo(Settings settings) : x_settings{std::move(settings)} {}

  void start(Host& host) override {
    LlmOffer offer;
    offer.name = x_settings.llm;
    offer.type = "echo";
    offer.pool = x_settings.pool;
    offer.capacity = x_settings.capacity;
    host.offer(offer, std::make_shared<EchoBackend>(x_settings.word_delay));
  }

 private:
  const Settings x_settings;
};

std::unique_ptr<Plugin> make(const std::string& settings) {
  return std::make_unique<Echo>(read_settings(settings));
}

}  // namespace

const signalbox::plugin::Entry* signalbox_plugin() {
  static constexpr Entry entry{abi, version, make};
  return &entry;
}

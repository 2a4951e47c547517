#include "simulations/figures/html_page.hpp"

#include <fmt/format.h>

#include "simulations/figures/svg_chart.hpp"

namespace signalbox::sim {
namespace {

constexpr const char* style = R"(
body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#1d2530}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .6em;text-align:right;border-bottom:1px solid #dde3ea}
td:first-child,th:first-child,
.named td:nth-child(-n+3),.named th:nth-child(-n+3){text-align:left}
.first td{border-top:1px solid #9aa7b4}table{font-variant-numeric:tabular-nums}
.sure{font-weight:600}svg{width:100%;height:auto;margin:.6em 0}
)";

}  // namespace

std::string html_page(const std::string& title, const std::string& body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\">"
      "<title>{}</title><style>{}{}</style></head><body>\n{}</body></html>\n",
      escape_markup(title), style, chart_style, body);
}

}  // namespace signalbox::sim

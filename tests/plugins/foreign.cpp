// A plugin that was built for another signalbox.
#include "actors/plugin.hpp"

const signalbox::plugin::Entry* signalbox_plugin() {
  static constexpr signalbox::plugin::Entry entry{signalbox::plugin::abi + 6, "9.3.1", nullptr};
  return &entry;
}

#pragma once

namespace quicksilver {

/// Who records the events of delivery.
inline constexpr const char* dispatch_sender = "dispatcher.main";

}  // namespace quicksilver

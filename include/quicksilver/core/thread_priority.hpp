#pragma once

#include <boost/asio/thread_pool.hpp>

namespace quicksilver {

/// Lets the threads of a pool step back a little where others want the processor too. `threads` = how many it has;
/// nothing may have been posted to it yet. Blocks until all have done so.
void step_back(boost::asio::thread_pool& pool, unsigned threads);

}  // namespace quicksilver

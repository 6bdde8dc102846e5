#pragma once

#include "quicksilver/core/stop_flag.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/dcmlayer.h>

#include <memory>

namespace quicksilver::dicom {

/// DCMTK's connections wait for a silent peer until its time-out; these also end when the flag is set. `stop` points at
/// the pointer of whoever uses the association at the time, and outlives the layer. One thread.
class StoppableLayer final : public DcmTransportLayer {
public:
    /// `encrypting` makes the encrypted connections; null where none are wanted.
    StoppableLayer(const StopFlag* const& stop, std::unique_ptr<DcmTransportLayer> encrypting);

    DcmTransportConnection* createConnection(DcmNativeSocketType socket, OFBool encrypted) override;

private:
    const StopFlag* const& stop_;
    std::unique_ptr<DcmTransportLayer> base_;
};

}  // namespace quicksilver::dicom

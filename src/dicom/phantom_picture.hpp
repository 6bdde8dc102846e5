#pragma once

#include <cstdint>
#include <vector>

namespace quicksilver::dicom {

/// One slice through a head of ellipsoids, drawn row by row: skull, brain, ventricles and a few lesions, with noise.
class PhantomPicture {
public:
    static constexpr unsigned value_bits = 12;

    /// How bright each tissue is; CT and MR see them differently.
    struct Palette {
        double air, skull, brain, fluid, lesion, noise;
    };

    /// `height` is the slice's place between the bottom of the head, -1, and its top, 1.
    PhantomPicture(const Palette& palette, std::uint16_t rows, std::uint16_t columns, double height,
                   std::uint64_t seed);

    /// The next row from the top; valid until the next call.
    const std::vector<std::uint16_t>& next_row();

private:
    std::vector<double>::iterator column_at(double x);
    double next_noise();

    Palette palette_;
    unsigned rows_;
    double height_;
    std::uint64_t random_;
    unsigned row_ = 0;
    std::vector<double> brightness_;
    std::vector<std::uint16_t> pixels_;
};

}  // namespace quicksilver::dicom

#include "phantom_picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace quicksilver::dicom {

namespace {

/// In units of half the picture; z as the height of the slice. Later ones cover earlier ones.
struct Ellipsoid {
    double x, y, z;     // centre
    double rx, ry, rz;  // half axes
    double PhantomPicture::Palette::*tissue;
};

constexpr std::array<Ellipsoid, 8> head = {{
    {0.00, 0.00, 0.0, 0.69, 0.90, 1.10, &PhantomPicture::Palette::skull},
    {0.00, 0.01, 0.0, 0.63, 0.84, 1.02, &PhantomPicture::Palette::brain},
    {-0.20, 0.05, 0.1, 0.11, 0.36, 0.55, &PhantomPicture::Palette::fluid},
    {0.20, 0.05, 0.1, 0.09, 0.30, 0.50, &PhantomPicture::Palette::fluid},
    {0.00, -0.45, 0.2, 0.20, 0.16, 0.40, &PhantomPicture::Palette::lesion},
    {-0.35, 0.45, -0.2, 0.08, 0.08, 0.25, &PhantomPicture::Palette::lesion},
    {0.33, -0.30, 0.4, 0.05, 0.07, 0.25, &PhantomPicture::Palette::skull},
    {0.05, 0.62, 0.0, 0.06, 0.05, 0.60, &PhantomPicture::Palette::fluid},
}};

constexpr double largest_value = (1U << PhantomPicture::value_bits) - 1;

}  // namespace

PhantomPicture::PhantomPicture(const Palette& palette, std::uint16_t rows, std::uint16_t columns, double height,
                               std::uint64_t seed)
    : palette_(palette), rows_(rows), height_(height), random_(seed | 1U), brightness_(columns), pixels_(columns) {}

const std::vector<std::uint16_t>& PhantomPicture::next_row() {
    const double y = (row_++ + 0.5) / (rows_ / 2.0) - 1;
    std::fill(brightness_.begin(), brightness_.end(), palette_.air);
    for (const Ellipsoid& body : head) {
        const double dy = (y - body.y) / body.ry;
        const double dz = (height_ - body.z) / body.rz;
        const double rest = 1 - dy * dy - dz * dz;
        if (rest <= 0) continue;
        const double half = body.rx * std::sqrt(rest);
        std::fill(column_at(body.x - half), column_at(body.x + half), palette_.*body.tissue);
    }
    std::transform(brightness_.begin(), brightness_.end(), pixels_.begin(), [this](double value) {
        return static_cast<std::uint16_t>(std::clamp(value + palette_.noise * next_noise(), 0.0, largest_value));
    });
    return pixels_;
}

std::vector<double>::iterator PhantomPicture::column_at(double x) {
    const auto columns = static_cast<long>(brightness_.size());
    const long column = std::lround((x + 1) * static_cast<double>(columns) / 2);
    return brightness_.begin() + std::clamp(column, 0L, columns);
}

/// Bell-shaped between -1 and 1: the mean of four numbers of a xorshift generator, the same on every machine.
double PhantomPicture::next_noise() {
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    double sum = 0;
    for (unsigned shift = 0; shift < 64; shift += 16) sum += static_cast<double>((random_ >> shift) & 0xffffU);
    return sum / (2 * 65535.0) - 1;
}

}  // namespace quicksilver::dicom

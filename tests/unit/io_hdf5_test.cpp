#include "core/io/hdf5.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/io/hdf5_output.hpp"
#include "tests/support/h5py.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::io {
namespace {

using test::expect_error;
using test::have_h5py;
using test::run_python;
using test::TempFolder;

TEST(Hdf5Output, WritesWhatInputReads) {
  TempFolder folder;
  const std::vector<double> numbers{1, 2, 3, 4, 5, 6};
  const Complex<float> waves[2] = {{1, 2}, {3, -4}};
  auto out = OutputFile::create(folder / "a.h5");
  out.write("/g/numbers", View<const double, 2>(numbers.data(), {2, 3}), {{1, 3}, 4});
  out.write("/g/waves", View<const Complex<float>, 1>(waves, {2}));
  out.write("/g/deep/text", std::string("µm"));
  out.write("/g/one", std::int64_t{-7});
  out.attribute("/g/numbers", "flag", std::int64_t{3});
  out.link("/short", "/g/numbers");
  out.close();

  const InputFile in(folder / "a.h5");
  const Dataset data = in.dataset("/short");
  EXPECT_EQ(data.shape(), (std::vector<Index>{2, 3}));
  EXPECT_EQ(data.kind(), Kind::real);
  EXPECT_EQ(data.read<double>(), numbers);
  EXPECT_EQ(data.read<std::int32_t>(), (std::vector<std::int32_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(data.attribute("flag", 0), 3);
  EXPECT_EQ(data.attribute("other", -1), -1);
  const auto doubles = in.dataset("/g/waves").read<Complex<double>>();
  EXPECT_EQ(doubles[1], (Complex<double>{3, -4}));
  EXPECT_EQ(in.dataset("/g/deep/text").text(), "µm");
  EXPECT_EQ(in.dataset("/g/one").scalar<std::int64_t>(), -7);
  EXPECT_FALSE(in.has("/g"));
  EXPECT_FALSE(in.has("/g/none/deeper"));
}

TEST(Hdf5Output, IsGoneWithoutATraceOfItsErrorsIfNotClosed) {
  TempFolder folder;
  {
    auto out = OutputFile::create(folder / "a.h5");
    out.write("/x", 1.0);
  }
  auto again = OutputFile::create(folder / "a.h5");  // would be refused if the first were still open
  again.write("/y", 2.0);
  again.close();
  EXPECT_EQ(InputFile(folder / "a.h5").dataset("/y").scalar<double>(), 2.0);
}

TEST(Hdf5Output, WritesRowsIntoADeclaredDatasetAfterReopening) {
  TempFolder folder;
  const std::uint16_t rows[4] = {1, 2, 3, 4};
  auto out = OutputFile::create(folder / "a.h5");
  out.declare<std::uint16_t>("/d", {4, 2}, {{1, 2}, 4});
  out.close();
  auto more = OutputFile::reopen(folder / "a.h5");
  more.write_rows("/d", 1, View<const std::uint16_t, 2>(rows, {2, 2}));
  more.close();
  EXPECT_EQ(InputFile(folder / "a.h5").dataset("/d").read<int>(), (std::vector<int>{0, 0, 1, 2, 3, 4, 0, 0}));
}

TEST(Hdf5Input, ReadsStridedRowsAndAWindow) {
  TempFolder folder;
  std::vector<std::int32_t> values(5 * 4 * 3);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i);
  auto out = OutputFile::create(folder / "a.h5");
  out.write("/d", View<const std::int32_t, 3>(values.data(), {5, 4, 3}), {{2, 4, 3}, 4});
  out.close();
  std::vector<float> part(2 * 2 * 1);
  InputFile(folder / "a.h5").dataset("/d").read({{1, 2, 1}, {2, 2, 1}, {3, 1, 1}}, part.data());
  EXPECT_EQ(part, (std::vector<float>{19, 22, 55, 58}));  // rows 1 and 4, y 2 and 3, x 1
}

TEST(Hdf5Input, SaysWhatIsWrongWithAFileItCannotOpen) {
  TempFolder folder;
  expect_error([&] { InputFile(folder / "none.h5"); }, ErrorCode::data, {"none.h5", "no such file"});
  expect_error([&] { InputFile{folder.path()}; }, ErrorCode::data, {"is a folder"});
  std::ofstream(folder / "empty.h5").close();
  expect_error([&] { InputFile(folder / "empty.h5"); }, ErrorCode::data, {"is empty"});
  std::ofstream(folder / "text.h5") << "not a number in sight";
  expect_error([&] { InputFile(folder / "text.h5"); }, ErrorCode::data, {"text.h5", "is not an HDF5 file"});

  auto out = OutputFile::create(folder / "cut.h5");
  const std::vector<double> numbers(10000, 1.5);
  out.write("/numbers", numbers);
  out.close();
  std::filesystem::resize_file(folder / "cut.h5", 40000);
  expect_error([&] { InputFile(folder / "cut.h5"); }, ErrorCode::data, {"cut.h5", "truncated", "HDF5: "});
}

TEST(Hdf5Input, SaysThatAnotherProgramIsWriting) {
  TempFolder folder;
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  test::make_cxi(folder / "a.cxi");
  const auto ready = folder / "ready";
  std::ofstream(folder / "hold.py") << "import h5py, sys\nf = h5py.File('" << (folder / "a.cxi").string()
                                    << "', 'a')\nopen('" << ready.string() << "', 'w')\nsys.stdin.read()\n";
  // Holds the file open until its standard input ends.
  FILE* holder = ::popen((std::string(test::python) + " " + (folder / "hold.py").string()).c_str(), "w");
  ASSERT_NE(holder, nullptr);
  for (int i = 0; i < 3000 && !std::filesystem::exists(ready); ++i) ::usleep(10000);
  expect_error([&] { InputFile(folder / "a.cxi"); }, ErrorCode::data, {"another program is writing it"});
  ::pclose(holder);
}

TEST(Hdf5Input, NamesWhatThereIsWhenADatasetIsMissing) {
  TempFolder folder;
  auto out = OutputFile::create(folder / "a.h5");
  out.write("/entry_1/dta", 1.0);
  out.close();
  const InputFile in(folder / "a.h5");
  expect_error([&] { in.dataset("/entry_1/data"); }, ErrorCode::data,
               {"no dataset /entry_1/data", "/entry_1/ has dta"});
  expect_error([&] { in.dataset("/entry_1/b/c/data"); }, ErrorCode::data, {"/entry_1/ has dta"});
}

TEST(Hdf5Input, NamesRankTypeAndShapeThatDoNotFit) {
  TempFolder folder;
  auto out = OutputFile::create(folder / "a.h5");
  out.write("/list", std::vector<double>{1, 2});
  out.write("/text", std::string("abc"));
  out.close();
  const InputFile in(folder / "a.h5");
  const Dataset list = in.dataset("/list"), text = in.dataset("/text");
  expect_error([&] { list.require_rank(3, "frame, y, x"); }, ErrorCode::data,
               {"/list", "1 dimensions (2)", "3: frame, y, x"});
  expect_error([&] { list.scalar<double>(); }, ErrorCode::data, {"/list", "(2)", "one number"});
  expect_error([&] { text.require_numbers(); }, ErrorCode::data, {"/text", "text", "numbers"});
  expect_error([&] { text.read<double>(); }, ErrorCode::data, {"/text", "cannot be read"});
  expect_error([&] { list.text(); }, ErrorCode::data, {"/list"});
}

TEST(Hdf5Input, NamesTheFilterAndThePackageThatAreMissing) {
  H5PLset_loading_state(0);  // though this machine may have the plugin
  TempFolder folder;
  // Written without the filter's help: an optional filter that is missing is skipped at writing, and kept in the
  // header.
  const Handle file(H5Fcreate((folder / "a.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  const hsize_t extent = 4;
  const Handle space(H5Screate_simple(1, &extent, nullptr), H5Sclose);
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_chunk(creation.get(), 1, &extent);
  H5Pset_filter(creation.get(), 32008, H5Z_FLAG_OPTIONAL, 0, nullptr);
  Handle data(H5Dcreate2(file.get(), "d", H5T_NATIVE_INT, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
              H5Dclose);
  ASSERT_TRUE(data);
  const Dataset dataset(std::move(data), "a.h5", "/d");
  expect_error([&] { dataset.read<int>(); }, ErrorCode::resource, {"32008", "install the Debian package bitshuffle"});
  H5PLset_loading_state(H5PL_ALL_PLUGIN);
}

TEST(Hdf5Input, ReadsWhatH5pyWrites) {
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  run_python(folder.path(), "f = h5py.File('" + (folder / "a.h5").string() +
                                "', 'w')\n"
                                "f['c'] = np.array([1+2j, 3-4j], 'complex64')\n"
                                "f['s'] = 'héllo'\n"
                                "f['b'] = np.array([True, False])\n"
                                "f['big'] = np.arange(3, dtype='>u2')\n"
                                "f['e'] = h5py.ExternalLink('nowhere.h5', '/x')\n"
                                "f.attrs['n'] = 1\n");
  const InputFile in(folder / "a.h5");
  EXPECT_EQ(in.dataset("/c").type_text(), "complex64");
  EXPECT_EQ(in.dataset("/c").read<Complex<float>>()[1], (Complex<float>{3, -4}));
  EXPECT_EQ(in.dataset("/s").text(), "héllo");
  EXPECT_EQ(in.dataset("/b").read<int>(), (std::vector<int>{1, 0}));
  EXPECT_EQ(in.dataset("/big").read<std::uint16_t>(), (std::vector<std::uint16_t>{0, 1, 2}));
  expect_error([&] { in.dataset("/e"); }, ErrorCode::data, {"/e"});
}

}  // namespace
}  // namespace ptychoflow::io

// The run report, after success and after failure.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/pipelines.hpp"

namespace ptychoflow::test {
namespace {

using Json = nlohmann::json;

std::vector<std::string> with_report(const std::string& file) { return {"--threads", "3", "--report", file}; }

TEST(Report, says_what_was_done) {
  const TemporaryFolder folder;
  const Ended ended =
      PipelineRun("{stage: act_source, params: {packets: 2, in: finalize, how: report}}, {stage: act, id: second}",
                  with_report(folder / "report.json"))
          .go();
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const Json report = Json::parse(read_text(folder / "report.json"));
  EXPECT_EQ(report["status"], "done");
  EXPECT_TRUE(report["error"].is_null());
  EXPECT_EQ(report["threads"], 3);
  EXPECT_EQ(report["ranks"], 1);
  EXPECT_EQ(report["backend"], "auto");
  EXPECT_TRUE(report["versions"].contains("ptychoflow"));
  EXPECT_EQ(report["pipeline"]["stages"].size(), 2u);
  EXPECT_NE(report["command"].get<std::string>().find("--threads 3"), std::string::npos);
  EXPECT_GT(report["wall_seconds"], 0.0);
  ASSERT_EQ(report["memory_peak_bytes"].size(), 1u);
  EXPECT_GT(report["memory_peak_bytes"][0], 1e6);
  EXPECT_LE(report["memory_at_start_bytes"][0], report["memory_peak_bytes"][0]);

  const Json source = report["stages"]["act_source"], second = report["stages"]["second"];
  EXPECT_EQ(source["packets_in"], 0);
  EXPECT_EQ(source["packets_out"], 2);
  EXPECT_EQ(source["bytes_out"], 2 * 6 * 8);
  EXPECT_EQ(second["packets_in"], 2);
  EXPECT_EQ(second["bytes_in"], 2 * 6 * 8);
  EXPECT_EQ(second["packets_out"], 3) << "finalize sends one more";
  EXPECT_EQ(second["stage"], "act");
  EXPECT_EQ(source["answer"], 42) << "what the stage reported";
  EXPECT_GE(source["seconds"], 0.0) << "the host's own figures stand";
}

TEST(Report, time_downstream_is_not_the_senders) {
  const TemporaryFolder folder;
  PipelineRun run("{stage: act_source, params: {packets: 1}}, {stage: act, params: {in: process, how: wait_for_stop}}",
                  with_report(folder / "report.json"));
  run.what.meanwhile = [](pid_t program, const std::string& err) {
    wait_for_text(err, "waiting to be stopped");
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    kill(program, SIGTERM);
  };
  ASSERT_EQ(run.go().exit_code, 130);
  const Json report = Json::parse(read_text(folder / "report.json"));
  EXPECT_EQ(report["status"], "interrupted");
  EXPECT_GE(report["stages"]["act"]["seconds"], 0.3);
  EXPECT_LT(report["stages"]["act_source"]["seconds"], report["stages"]["act"]["seconds"]);
}

TEST(Report, says_why_a_run_failed) {
  const TemporaryFolder folder;
  const Ended ended = PipelineRun("{stage: act_source}, {stage: act, params: {in: process, how: data_error}}",
                                  with_report(folder / "report.json"))
                          .go();
  EXPECT_EQ(ended.exit_code, 3);
  const Json report = Json::parse(read_text(folder / "report.json"));
  EXPECT_EQ(report["status"], "failed");
  EXPECT_EQ(report["error"]["stage"], "act");
  EXPECT_EQ(report["error"]["code"], 3);
  EXPECT_EQ(report["error"]["rank"], 0);
  EXPECT_NE(report["error"]["message"].get<std::string>().find("the data are bad"), std::string::npos);
  EXPECT_EQ(report["stages"]["act"]["packets_in"], 1);
}

TEST(Report, is_written_even_when_the_pipeline_is_refused) {
  const TemporaryFolder folder;
  EXPECT_EQ(PipelineRun("{stage: nonsense}", with_report(folder / "report.json")).go().exit_code, 2);
  const Json report = Json::parse(read_text(folder / "report.json"));
  EXPECT_EQ(report["status"], "failed");
  EXPECT_EQ(report["error"]["code"], 2);
}

TEST(Report, into_a_missing_folder_is_refused_before_anything_runs) {
  const TemporaryFolder folder;
  const PipelineRun run("{stage: act_source}", with_report(folder / "nowhere/report.json"));
  const Ended ended = run.go();
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_TRUE(ended.says("nowhere")) << ended.err;
  EXPECT_EQ(run.trace(), "");
}

TEST(Report, leaves_no_temporary_file) {
  const TemporaryFolder folder;
  PipelineRun("{stage: act_source}", with_report(folder / "report.json")).go();
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) files += entry.exists() ? 1 : 0;
  EXPECT_EQ(files, 1);
}

}  // namespace
}  // namespace ptychoflow::test

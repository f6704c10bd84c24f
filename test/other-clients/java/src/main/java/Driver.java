import com.aliyun.tea.TeaException;
import com.aliyun.tea.TeaModel;
import com.aliyun.teaopenapi.models.Config;
import com.aliyun.vpc20160428.Client;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.ToNumberPolicy;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;

/**
 * Drives the Java SDK: a call as JSON on a line of standard input, its answer on a line of standard output.
 *
 * <p>Usage: Driver host key secret
 */
public class Driver {
  private static final Gson gson =
      new GsonBuilder().setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE).create();

  static class Asked {
    String action;
    Map<String, Object> params;
  }

  public static void main(String[] where) throws Exception {
    // The SDK prints to standard output at times.
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    Config config =
        new Config()
            .setEndpoint(where[0])
            .setAccessKeyId(where[1])
            .setAccessKeySecret(where[2])
            .setProtocol(System.getenv("DRIVER_PROTOCOL"));
    Client client = new Client(config);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Asked asked = gson.fromJson(line, Asked.class);
      out.println(gson.toJson(answer(client, asked)));
    }
  }

  private static Map<String, Object> answer(Client client, Asked asked) throws Exception {
    String name = asked.action.substring(0, 1).toLowerCase() + asked.action.substring(1);
    Method method =
        Arrays.stream(Client.class.getMethods())
            .filter(one -> one.getName().equals(name) && one.getParameterCount() == 1)
            .findFirst()
            .orElseThrow();
    TeaModel request = (TeaModel) method.getParameterTypes()[0].getConstructor().newInstance();
    try {
      Object response = method.invoke(client, TeaModel.build(asked.params, request));
      TeaModel body = (TeaModel) response.getClass().getMethod("getBody").invoke(response);
      return Map.of("body", body.toMap());
    } catch (InvocationTargetException thrown) {
      Throwable cause = thrown.getCause();
      String code = cause instanceof TeaException ? ((TeaException) cause).getCode() : cause.getClass().getName();
      return Map.of("error", Map.of("code", String.valueOf(code), "message", String.valueOf(cause.getMessage())));
    }
  }
}
